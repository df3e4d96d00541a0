"""What passes the check is taken by training: neither too long there, nor otherwise written."""

from __future__ import annotations

from pathlib import Path

import pytest
from transformers import AutoTokenizer

from examples_ground import TEMPLATE, checked, good_chat, lines, work_of, write_base
from hortus.jobs.examples import HELD_OUT, TRAIN, read_examples
from hortus.jobs.spec import Method
from hortus.tuning.checking import BadData
from hortus.tuning.datasets.rendering import BaseText
from hortus.tuning.encoding import Encoder

DATED = "{{ strftime_now('%d %B %Y') }}" + TEMPLATE
UNENDED = TEMPLATE.replace("<|end|>\n", "\n")


def pair(number: int) -> dict[str, object]:
    asked, answer = good_chat(number)["messages"]
    return {"prompt": [asked], "chosen": [answer], "rejected": [answer | {"content": "No " * number + "idea."}]}


def text(number: int) -> dict[str, object]:
    return {"text": good_chat(number)["messages"][1]["content"]}


def least_limit(root: Path, training: bytes, *, template: str, method: Method) -> int:
    """The smallest limit of tokens under which the check takes a file."""
    for limit in range(20, 400):
        try:
            checked(work_of(root, training, template=template, method=method, max_tokens=limit))
        except BadData:
            continue
        return limit
    raise AssertionError("no limit was large enough")


@pytest.mark.parametrize("template", [TEMPLATE, UNENDED], ids=["with an end", "without an end"])
@pytest.mark.parametrize(("method", "make"), [("supervised", good_chat), ("dpo", pair), ("scratch", text)])
def test_training_takes_what_the_check_takes(template: str, method: Method, make: object, tmp_path: Path) -> None:
    assert callable(make)
    training = lines(make(n) for n in range(12))
    limit = least_limit(tmp_path, training, template=template, method=method)
    work = work_of(tmp_path, training, template=template, method=method, max_tokens=limit)
    folder = Path(work.datasets) / checked(work).dataset
    tokenizer = AutoTokenizer.from_pretrained(str(work.base))
    encoder = Encoder(tokenizer, ends=(), max_tokens=limit)
    for one in [*read_examples(folder / TRAIN), *read_examples(folder / HELD_OUT)]:
        encoded = encoder.encode(one)
        assert encoded is not None
        assert limit - 80 <= encoded.length <= limit
        assert abs(len(encoded.prompt) + len(encoded.answer) - one.tokens) <= 2


@pytest.mark.parametrize("template", [TEMPLATE, DATED], ids=["without a date", "with today's date"])
def test_training_reads_the_text_that_the_check_reads(template: str, tmp_path: Path) -> None:
    work = work_of(tmp_path, lines(good_chat(n) for n in range(12)), template=template)
    base = Path(str(work.base))
    encoder = Encoder(AutoTokenizer.from_pretrained(base), ends=(), max_tokens=1000)
    folder = Path(work.datasets) / checked(work).dataset
    for one in read_examples(folder / TRAIN):
        assert encoder.render(one.prompt) == BaseText(base).render(one.prompt, one.answer).prompt


def test_what_is_learnt_is_the_same_on_another_day(tmp_path: Path) -> None:
    base = write_base(tmp_path, template=DATED)
    encoder = Encoder(AutoTokenizer.from_pretrained(base), ends=(), max_tokens=1000)
    assert encoder.render([{"role": "user", "content": "When?"}]).startswith("01 January 2026")


def test_the_check_takes_the_template_for_tools_as_training_does(tmp_path: Path) -> None:
    base = write_base(tmp_path, template=TEMPLATE)
    (base / "additional_chat_templates").mkdir()
    (base / "additional_chat_templates" / "tool_use.jinja").write_text("{{ tools | length }} tools" + TEMPLATE)
    encoder = Encoder(AutoTokenizer.from_pretrained(base), ends=(), max_tokens=1000)
    asked, answer = good_chat(1)["messages"]
    tools = [{"type": "function", "function": {"name": "look", "parameters": {}}}]
    text = BaseText(base).render([asked], answer, tools=tools).prompt
    assert text.startswith("1 tools")
    assert encoder.render([asked], tools=tools) == text
