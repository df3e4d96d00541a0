"""A base that only counts, files of examples, and a check of them, for the tests of datasets."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import msgspec
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

from hortus.jobs.reports import Report
from hortus.jobs.spec import JobSpec, Method, Recipe
from hortus.jobs.steps import CheckStep
from hortus.tuning.checking import check
from hortus.tuning.datasets.figures import CheckResult

TEMPLATE = (
    "{% for message in messages %}"
    "<|{{ message.role }}|>{{ message.content }}"
    "{% for call in message.tool_calls %}[{{ call.function.name }} {{ call.function.arguments | tojson }}]{% endfor %}"
    "<|end|>\n{% endfor %}{% if add_generation_prompt %}<|assistant|>{% endif %}"
)
SPECIAL = ("<|end|>", "<|system|>", "<|user|>", "<|assistant|>", "<|tool|>")

encode = msgspec.json.encode


class AtSigns:
    """Recognises addresses of mail, roughly."""

    def kinds_in(self, text: str) -> Mapping[str, int]:
        return {"email": text.count("@")} if "@" in text else {}


@functools.cache
def _tokenizer_json() -> str:
    """One token for each byte."""
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokenizer = Tokenizer(models.BPE(vocab={letter: number for number, letter in enumerate(letters)}, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([AddedToken(one, special=True) for one in SPECIAL])
    return tokenizer.to_str()


def write_base(folder: Path, *, template: str | None = TEMPLATE) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "tokenizer.json").write_text(_tokenizer_json())
    (folder / "tokenizer_config.json").write_text('{"eos_token": "<|end|>"}')
    if template is not None:
        (folder / "chat_template.jinja").write_text(template)
    return folder


def chat(*said: str, **members: Any) -> dict[str, Any]:
    """User and assistant in turn."""
    roles = ("user", "assistant")
    return {"messages": [{"role": roles[n % 2], "content": text} for n, text in enumerate(said)], **members}


def good_chat(number: int) -> dict[str, Any]:
    """Every one different, none nearly the same as another."""
    words = [f"{letter}{number * 7 + place}" for place, letter in enumerate("abcdefgh")]
    return chat(f"Where is {' '.join(words)}?", f"The {words[0]} is behind {words[3]} and left of the {words[5]}.")


def lines(values: Iterable[object]) -> bytes:
    return b"".join((one if isinstance(one, bytes) else encode(one)) + b"\n" for one in values)


def work_of(
    root: Path,
    training: bytes,
    *,
    validation: bytes | None = None,
    template: str | None = TEMPLATE,
    method: Method = "supervised",
    max_tokens: int = 1024,
    share: float = 0.1,
    is_hosted: bool = False,
    job_id: str = "job_1",
) -> CheckStep:
    root.mkdir(parents=True, exist_ok=True)
    (root / "training.jsonl").write_bytes(training)
    if validation is not None:
        (root / "validation.jsonl").write_bytes(validation)
    return CheckStep(
        job=JobSpec(
            id=job_id,
            project_id="p",
            base="b",
            training="file_1",
            method=method,
            recipe=Recipe(max_tokens=max_tokens),
            held_out_share=share,
        ),
        training=str(root / "training.jsonl"),
        validation=str(root / "validation.jsonl") if validation is not None else None,
        base=None if is_hosted else str(write_base(root / "base", template=template)),
        datasets=str(root / "datasets"),
        folder=str(root / "job"),
    )


def checked(work: CheckStep, reports: list[Report] | None = None) -> CheckResult:
    said: list[Report] = [] if reports is None else reports
    return check(work, report=said.append, recognise=AtSigns())
