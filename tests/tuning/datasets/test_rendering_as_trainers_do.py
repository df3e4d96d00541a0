"""The check renders and counts as transformers does, which trains and which serves."""

from __future__ import annotations

from pathlib import Path

import pytest
from transformers import PreTrainedTokenizerFast

from examples_ground import SPECIAL, TEMPLATE, write_base
from hortus.jobs.errors import StepError
from hortus.jobs.examples import for_template
from hortus.tuning.datasets.rendering import BaseText
from hortus.tuning.templates import Rendered, TemplateRefuses

TOOLS = [{"type": "function", "function": {"name": "look", "parameters": {"type": "object", "a": [1, 2]}}}]
ASKED = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Größe <b> & 'so'?"}]
CALLED = {
    "role": "assistant",
    "content": "",
    "tool_calls": [{"type": "function", "function": {"name": "look", "arguments": '{"at":"Straße","n":1.50}'}}],
}
SAID = {"role": "assistant", "content": "A 'great' <size>."}
WITH_ALL = (
    "{%- set ns = namespace(n=0) %}{{ bos_token }}"
    "{% if tools %}{{ tools | tojson }}{{ tools | tojson(indent=2) }}{% endif %}\n"
    "{% for message in messages %}{% if loop.index > 9 %}{% break %}{% endif %}{% set ns.n = ns.n + 1 %}"
    "<|{{ message.role }}|>{% if ns.n %}{% generation %}{{ message.content }}{% endgeneration %}{% endif %}"
    "{% if message.reasoning_content %}({{ message.thinking }}){% endif %}"
    "{% for call in message.tool_calls %}{{ call.function.arguments | tojson }}{% endfor %}"
    "<|end|>\n   {% endfor %}{% if add_generation_prompt %}<|assistant|>{% endif %}"
)


def tokenizer_of(folder: Path, template: str) -> PreTrainedTokenizerFast:
    tokenizer = PreTrainedTokenizerFast(tokenizer_file=str(folder / "tokenizer.json"), bos_token="<|end|>")
    tokenizer.chat_template = template
    return tokenizer


@pytest.mark.parametrize("template", [TEMPLATE, WITH_ALL])
@pytest.mark.parametrize("answer", [SAID, CALLED, SAID | {"reasoning_content": "Hm."}])
def test_renders_what_transformers_renders(template: str, answer: dict[str, object], tmp_path: Path) -> None:
    folder = write_base(tmp_path, template=template)
    (folder / "tokenizer_config.json").write_text('{"bos_token": {"content": "<|end|>"}}')
    theirs = tokenizer_of(folder, template).apply_chat_template(
        for_template([*ASKED, answer]), tools=TOOLS, tokenize=False
    )
    asked = tokenizer_of(folder, template).apply_chat_template(
        for_template(ASKED), tools=TOOLS, tokenize=False, add_generation_prompt=True
    )
    assert BaseText(folder).render(ASKED, answer, tools=TOOLS) == Rendered(theirs[: len(asked)], theirs[len(asked) :])


def test_counts_what_transformers_counts(tmp_path: Path) -> None:
    folder = write_base(tmp_path)
    text = BaseText(folder).render(ASKED, SAID)
    theirs = tokenizer_of(folder, TEMPLATE)([text.prompt, text.answer], add_special_tokens=False)["input_ids"]
    assert BaseText(folder).count([text]) == [(len(theirs[0]), len(theirs[1]))]


def test_the_answer_is_what_follows_the_prompt(tmp_path: Path) -> None:
    assert BaseText(write_base(tmp_path)).render(ASKED, SAID).answer == "A 'great' <size>.<|end|>\n"


def test_takes_the_template_of_the_tokenizer_s_configuration(tmp_path: Path) -> None:
    folder = write_base(tmp_path, template=None)
    (folder / "tokenizer_config.json").write_text(
        '{"chat_template": "{% for m in messages %}{{ m.content }}{% endfor %}"}'
    )
    assert BaseText(folder).render(ASKED[:1], SAID).answer == "A 'great' <size>."


def test_takes_the_default_one_of_several_templates(tmp_path: Path) -> None:
    folder = write_base(tmp_path, template=None)
    config = '{"chat_template": [{"name": "rag", "template": "?"}, {"name": "default", "template": "{{ 1 }}"}]}'
    (folder / "tokenizer_config.json").write_text(config)
    assert BaseText(folder).render(ASKED, SAID).prompt == "1"


@pytest.mark.parametrize("special", SPECIAL)
def test_knows_the_special_tokens(special: str, tmp_path: Path) -> None:
    base = BaseText(write_base(tmp_path))
    assert base.holds_special(f"a{special}b")
    assert not base.holds_special(special[1:])


@pytest.mark.parametrize(
    "template",
    [
        "{{ ''.__class__.__mro__ }}{{ raise_exception.__globals__ }}",
        "{% set ns = namespace(a=1) %}{% set ns.__class__ = 1 %}",
        "{{ messages.append(1) }}",
        "{{ 1 / 0 }}",
    ],
)
def test_a_template_that_reaches_out_is_refused(template: str, tmp_path: Path) -> None:
    with pytest.raises(TemplateRefuses):
        BaseText(write_base(tmp_path, template=template)).render(ASKED, SAID)


@pytest.mark.parametrize("name", ["tokenizer.json", "tokenizer_config.json", "chat_template.jinja"])
@pytest.mark.parametrize("data", [b"\xff\xfe", b"{% if %}{"])
def test_a_broken_file_of_the_base_is_named(name: str, data: bytes, tmp_path: Path) -> None:
    folder = write_base(tmp_path)
    (folder / name).write_bytes(data)
    with pytest.raises(StepError) as caught:
        BaseText(folder)
    assert (caught.value.reason, caught.value.path) == ("broken_base", name)


def test_says_the_template_s_own_words_only(tmp_path: Path) -> None:
    template = "{{ raise_exception('Never ' + messages[1].content) }}"
    with pytest.raises(TemplateRefuses) as caught:
        BaseText(write_base(tmp_path, template=template)).render(ASKED, SAID)
    assert caught.value.why == ""
