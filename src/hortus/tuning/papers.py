"""How do a product's facts become a model card, and where do both lie? The card says nothing that the facts do not.

Card metadata: https://huggingface.co/docs/hub/model-cards (recalled 2026-11).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

import msgspec

from hortus.base.time import format_utc
from hortus.jobs.folders import ADAPTER_GGUF, CARD, FACTS, PRODUCT_ADAPTER, PRODUCT_GGUF
from hortus.jobs.wholefiles import write_whole
from hortus.tuning.compute import Compute, Denominator
from hortus.tuning.facts import Facts, Score, VerdictRecord
from hortus.tuning.folders import bad_file
from hortus.tuning.plaintext import cell, inline, paragraphs

VERDICT = "verdict.json"
"""Below the product's folder, once the gate has judged."""

_JOULES_PER_KWH = 3_600_000
_LICENCE_NAME = re.compile(r"[a-z0-9][a-z0-9.+-]*")
"""What the hub may know; it wants any other licence as `other` with a name."""
_Paper = TypeVar("_Paper", Facts, VerdictRecord)
_METHODS = {
    "supervised": "supervised tuning on answers",
    "dpo": "direct preference optimisation",
    "scratch": "training from scratch",
}
_THRESHOLDS: Mapping[Denominator, str] = {
    "base": "a third of the original model's training compute",
    "systemic risk": "a third of 1e25 FLOP (the original's compute is not known; it has systemic risk)",
    "other": "a third of 1e23 FLOP (the original's compute is not known)",
}


def write_papers(product: Path, facts: Facts) -> None:
    """Write facts and card whole; a verdict on an earlier product in the same folder is gone."""
    (product / VERDICT).unlink(missing_ok=True)
    write_whole(product / FACTS, encode_facts(facts))
    write_whole(product / CARD, render_card(facts).encode())


def may_change(name: str) -> bool:
    """Tell whether a file of a product changes after its facts are written, so that they cannot have its hash."""
    return name in {CARD, FACTS, VERDICT}


def encode_facts(facts: Facts) -> bytes:
    """Return the facts as JSON for people and programs; equal facts give equal bytes."""
    return _json(facts)


def _json(paper: msgspec.Struct) -> bytes:
    return msgspec.json.format(msgspec.json.encode(paper, order="sorted"), indent=2) + b"\n"


def read_facts(product: Path) -> Facts:
    """Return a product's facts, with the gate's verdict where there is one.

    Raises:
        StepError: They are missing, or are no facts.
    """
    facts = _read(product / FACTS, Facts)
    if not (product / VERDICT).exists():
        return facts
    return msgspec.structs.replace(facts, verdict=_read(product / VERDICT, VerdictRecord))


def add_verdict(product: Path, verdict: VerdictRecord) -> Facts:
    """Write the gate's verdict beside a product's facts and into its card, and return both together.

    The facts themselves stay as they were to the byte: the verdict is about them.

    Raises:
        StepError: The product has no facts.
    """
    facts = msgspec.structs.replace(_read(product / FACTS, Facts), verdict=verdict)
    write_whole(product / VERDICT, _json(verdict))
    write_whole(product / CARD, render_card(facts).encode())
    return facts


def _read(path: Path, kind: type[_Paper]) -> _Paper:
    try:
        return msgspec.json.decode(path.read_bytes(), type=kind)
    except OSError:
        raise bad_file("is missing.", path) from None
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise bad_file("is none of a product's papers.", path) from None


def render_card(facts: Facts) -> str:
    """Return the model card."""
    parts = [_front_matter(facts), *_sections(facts)]
    return "\n".join(parts).rstrip("\n") + "\n"


def _front_matter(facts: Facts) -> str:
    tags = {"hortus": True, "lora": _has(facts, PRODUCT_ADAPTER), "gguf": PRODUCT_GGUF in facts.files}
    lines = ["---", *_licence_rows(facts.licence), *_origin_rows(facts)]
    lines += ["language:", *(f"- {_quoted(each)}" for each in facts.languages)] if facts.languages else []
    lines += ["library_name: transformers", "pipeline_tag: text-generation"]
    lines += ["tags:", *(f"- {tag}" for tag, is_so in tags.items() if is_so)]
    if facts.verdict and facts.verdict.scores:
        lines += ["model-index:", f"- name: {_quoted(facts.name)}", "  results:"]
        lines += [row for score in facts.verdict.scores for row in _index_rows(score)]
    return "\n".join([*lines, "---", ""])


def _licence_rows(licence: str | None) -> Iterator[str]:
    if licence is None:
        yield "license: unknown"
    elif _LICENCE_NAME.fullmatch(licence):
        yield f"license: {_quoted(licence)}"
    else:
        yield "license: other"
        yield f"license_name: {_quoted(licence)}"


def _origin_rows(facts: Facts) -> Iterator[str]:
    if facts.base is None:
        return
    yield f"base_model: {_quoted(facts.base.name)}"
    yield "base_model_relation: finetune"  # the model itself is whole; an adapter lies beside it
    if facts.base.licence_link:
        yield f"license_link: {_quoted(facts.base.licence_link)}"


def _index_rows(score: Score) -> Iterator[str]:
    yield "  - task: {type: text-generation}"
    yield f"    dataset: {{name: {_quoted(score.name)}, type: {_quoted(score.name)}}}"
    yield f"    metrics: [{{type: {_quoted(score.metric)}, value: {score.product:.4f}}}]"


def _quoted(text: str) -> str:
    return msgspec.json.encode(text).decode()  # a JSON string is a YAML string


def _has(facts: Facts, folder: str) -> bool:
    return any(name.startswith(f"{folder}/") for name in facts.files)


def _sections(facts: Facts) -> Iterator[str]:
    yield f"# Model card: {facts.name}\n"
    base = f"tuned from `{facts.base.name}`" if facts.base else "trained from scratch"
    yield (
        f"A language model, {base} by {_METHODS[facts.method]}. It was made by Hortus {facts.identity.hortus}"
        f" as the job `{facts.job_id}`; `{FACTS}` beside this card holds the same for programs.\n"
    )
    yield f"## Intended purpose\n\n{paragraphs(facts.intended_purpose or 'Not stated.')}\n"
    yield "## Model\n\n" + _table(("", ""), list(_model_rows(facts)))
    yield "## How to use\n\n" + _usage(facts)
    yield "## Training data\n\n" + _table(("", ""), list(_data_rows(facts)))
    yield "## Training\n\n" + _table(("", ""), list(_training_rows(facts)))
    yield "## Evaluation\n\n" + _evaluation(facts.verdict)
    yield "## Compute\n\n" + _compute(facts.compute)
    yield "## Environmental impact\n\n" + _energy(facts)
    yield "## Limits\n\n" + _list(facts.limits, none="None are known beyond those of every language model.")
    yield "## Open questions\n\n" + _list(facts.open_questions, none="None.")
    yield "## Identity\n\n" + _identity(facts)


def _model_rows(facts: Facts) -> Iterator[tuple[str, str]]:
    yield "Maker", cell(facts.maker or "not stated")
    if facts.base:
        yield "Base", f"`{facts.base.name}`" + (f" by {cell(facts.base.maker)}" if facts.base.maker else "")
    yield "Licence", cell(facts.licence or "not known: the base names none")
    yield "Architecture", facts.architecture
    yield "Parameters", f"{facts.parameters:,}"
    yield "Context", f"{facts.context_tokens:,} tokens"
    yield "Input and output", "text"
    yield "Languages of the examples", ", ".join(facts.languages) or "not known"
    yield "Served by", ", ".join(facts.engines)


def _usage(facts: Facts) -> str:
    lines = [f"With Hortus: `hortus deploy {facts.job_id}`, then ask `{facts.name}` by chat completions.\n"]
    lines += [
        "With transformers, in this folder as `hortus models export` writes it:\n",
        "```python",
        "from transformers import AutoModelForCausalLM, AutoTokenizer",
        "",
        'tokenizer = AutoTokenizer.from_pretrained(".")',
        'model = AutoModelForCausalLM.from_pretrained(".")',
        'chat = [{"role": "user", "content": "…"}]',
        'asked = tokenizer.apply_chat_template(chat, add_generation_prompt=True, return_tensors="pt")',
        "print(tokenizer.decode(model.generate(**asked, do_sample=False)[0]))",
        "```",
        "",
    ]
    if PRODUCT_GGUF in facts.files:
        lines += [f"With llama.cpp: `llama-server --model {PRODUCT_GGUF} --jinja`.\n"]
    if ADAPTER_GGUF in facts.files:
        lines += [f"Over its base: `llama-server --model BASE.gguf --lora {ADAPTER_GGUF} --jinja`.\n"]
    return "\n".join(lines)


def _data_rows(facts: Facts) -> Iterator[tuple[str, str]]:
    data = facts.data
    if data.description:
        yield "What", cell(data.description)
    yield "Examples", f"{data.training_examples:,} to learn from, {data.held_out_examples:,} held out"
    yield "Tokens", f"{data.tokens:,} once through"
    if data.languages:
        parts = sorted(data.languages.items(), key=lambda each: (-each[1], each[0]))
        yield "Languages", ", ".join(f"{name} {share:.1%}" for name, share in parts)
    yield "Personal data", _findings(data.personal_data)
    yield "Licence", cell(data.licence or "not stated")
    yield "Dataset", f"`{data.hash}`"


def _findings(found: Mapping[str, int] | None) -> str:
    if found is None:
        return "not looked for"
    return ", ".join(f"{count:,} of {name}" for name, count in sorted(found.items())) or "none found"


def _training_rows(facts: Facts) -> Iterator[tuple[str, str]]:
    training, recipe = facts.training, facts.recipe
    yield "Method", _METHODS[facts.method] + (f", LoRA of rank {recipe.lora.rank}" if recipe.lora else ", all weights")
    early = " (stopped early)" if training.stopped_early else ""
    yield "Steps", f"{training.steps:,} of {training.planned_steps:,}{early}, {training.tokens:,} tokens"
    for name, loss in (("Loss", training.loss), ("Held-out loss", training.held_out_loss)):
        if loss is not None:
            yield name, f"{loss:.4f}"
    yield "Batch", f"{recipe.batch_size * recipe.accumulate} examples on one device"
    yield "Seed", str(recipe.seed)
    if training.started_ms is not None:
        yield "Started", format_utc(training.started_ms)
    if training.seconds is not None:
        yield "Time", f"{training.seconds:,.0f} s"
    where = facts.identity.environment
    yield "On", ", ".join(where.gpus) or f"{where.processor}, {where.threads} threads"
    yield "With", ", ".join(f"{name} {version}" for name, version in sorted(where.packages.items()))


def _evaluation(verdict: VerdictRecord | None) -> str:
    if verdict is None:
        return "Not judged yet.\n"
    parts = ["It passed its gate.\n" if verdict.passed else "**It did not pass its gate.**\n"]
    if verdict.reasons:
        parts.append(_list(verdict.reasons, none=""))
    if verdict.references:
        on = f" on {verdict.engine}" if verdict.engine else ""
        told = f"{verdict.references_equal} of {verdict.references}"
        parts.append(f"Served{on}, it gave {told} of the trainer's answers.\n")
    if verdict.scores:
        heads = ("set", "measure", "items", "base", "product", "interval")
        parts.append(_table(heads, [_score_row(each) for each in verdict.scores]))
    return "\n".join(parts)


def _score_row(score: Score) -> tuple[str, ...]:
    base = "-" if score.base is None else f"{score.base:.3f}"
    has_bounds = score.low is not None and score.high is not None
    bounds = f"{score.bounds_of} [{score.low:.3f}, {score.high:.3f}]" if has_bounds else "-"
    return score.name, score.metric, f"{score.items:,}", base, f"{score.product:.3f}", bounds


def _compute(compute: Compute) -> str:
    told = f"About {compute.flop:.3g} FLOP ({compute.formula}), earlier trainings on the same base counted in."
    source = f"Regulation (EU) 2024/1689; Commission guidelines {compute.source}; an estimate, not advice"
    if compute.decided_by is None:
        return f"{told} It was made from scratch: there is no base to compare with ({source}).\n"
    threshold = f"{_THRESHOLDS[compute.decided_by]}, {compute.threshold_flop:.3g} FLOP"
    small = " By its own compute the base is no general-purpose model." if compute.base_is_small else ""
    return f"{told} That is {compute.verdict} {threshold} ({source}).{small}\n"


def _energy(facts: Facts) -> str:
    energy = facts.training.energy_j
    if energy is None:
        return "Energy was neither measured nor estimated.\n"
    source = facts.training.energy_source or "no source named"
    return f"About {energy / _JOULES_PER_KWH:.4g} kWh for training ({source}).\n"


def _identity(facts: Facts) -> str:
    names = ("base", "dataset", "tokenizer", "chat_template", "recipe", "code", "inputs", "total")
    hashes = [(name, f"`{getattr(facts.identity, name) or '-'}`") for name in names]
    files = [
        (name, f"{each.bytes:,}", f"`{each.sha256}`")
        for name, each in sorted(facts.files.items())
        if not may_change(name)
    ]
    return _table(("of", "SHA-256"), hashes) + "\n" + _table(("file", "bytes", "SHA-256"), files)


def _table(heads: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    lines = [heads, tuple("---" for _ in heads), *rows]
    return "\n".join("| " + " | ".join(_cell(each) for each in line) + " |" for line in lines) + "\n"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def _list(lines: tuple[str, ...], *, none: str) -> str:
    return "\n".join(f"- {inline(line)}" for line in lines) + "\n" if lines else f"{none}\n"
