"""Does the engine give what the trainer gave? Pure: greedy answers of both, and where a difference may come from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from statistics import median

from hortus.evals.answers import Given
from hortus.evals.ports import Answer
from hortus.evals.verdict import Difference, ReferenceFigures
from hortus.jobs.references import Reference

SNIPPET = 24
"""Characters of an answer that a verdict shows."""
SHOWN = 50
APART = 0.05
"""How far log-probabilities of first tokens may lie apart in the middle, on llama.cpp, which rounds little.

Measured with the seedling on llama.cpp, 2026-11: 0.0016 for the trained model; 0.07 and 0.26 (other
prompts) with two role tokens of its template swapped, which changed no answer and no count of tokens.
"""
APART_ROUNDED = 0.25
"""The same on engines that may compute in bfloat16: the seedling lay 0.016 apart, larger models lie further."""
_ROOM = 32


def room_for(reference: Reference) -> int:
    """Return how many tokens the engine may take: as many as the trainer did, else enough for the same answer."""
    return reference.max_tokens or len(reference.answer.encode()) + _ROOM


def likeness(references: Sequence[Reference], given: Sequence[Given], *, allowed: float = APART) -> ReferenceFigures:
    """Return where the engine's answers differ from the trainer's, in the order of the references."""
    found = [
        list(_differences(index, reference, one))
        for index, (reference, one) in enumerate(zip(references, given, strict=True))
    ]
    return ReferenceFigures(
        asked=len(references),
        counted=sum(_is_counted(reference, one) for reference, one in zip(references, given, strict=True)),
        differing=sum(map(bool, found)),
        differences=tuple(one for several in found for one in several)[:SHOWN],
        weighed=sum(bool(_distances(reference, one)) for reference, one in zip(references, given, strict=True)),
        apart=_middle(
            distance
            for reference, one in zip(references, given, strict=True)
            for distance in _distances(reference, one)
        ),
        allowed=allowed,
    )


def is_alike(figures: ReferenceFigures) -> bool:
    """Return whether the engine gives what the trainer gave."""
    return not figures.differing and (figures.apart is None or figures.apart <= figures.allowed)


def likely_cause(figures: ReferenceFigures) -> str:
    """Return what such differences come from, most often."""
    if not figures.differing:
        return "The answers are the same but not as likely: other weights or another chat template are served."
    kinds = {one.kind for one in figures.differences}
    if kinds == {"unanswered"}:
        return "The engine did not answer."
    if "prompt_tokens" in kinds:
        return "It reads prompts as other tokens than the trainer did: another chat template or tokenizer is served."
    if figures.apart is not None and figures.apart > figures.allowed:
        return "Answers are not as likely as in training: other weights are served, or another template or tokenizer."
    if 2 * figures.differing >= figures.asked:
        if figures.counted == figures.asked:
            return "It reads prompts as the trainer did, so: other weights are served, perhaps the base's."
        return "Other weights are served (the base?), or another chat template or tokenizer."
    return (
        "Few differ: perhaps the engine rounds more coarsely (quantised weights, a smaller type), "
        "or does not decode greedily."
    )


def _differences(index: int, reference: Reference, given: Given) -> Iterator[Difference]:
    answer = given.answer
    if answer is None:
        yield Difference(index, "unanswered", len(reference.answer), 0)
        return
    if _is_counted(reference, given) and answer.prompt_tokens != reference.prompt_tokens:
        yield Difference(index, "prompt_tokens", reference.prompt_tokens or 0, answer.prompt_tokens or 0)
    if answer.tool_calls:
        yield Difference(index, "calls", len(reference.answer), len(answer.text))
    elif not _is_same(reference.answer, answer.text):
        yield _in_text(index, reference.answer, answer)
    elif reference.finish_reason not in {None, answer.finish_reason}:
        expected = reference.finish_reason or ""
        yield Difference(
            index, "finish", len(reference.answer), len(answer.text), None, expected, answer.finish_reason[:SNIPPET]
        )


def _is_same(expected: str, text: str) -> bool:
    """Return whether an engine wrote the same text, but for one space at its front.

    transformers takes one away where a Llama-like tokenizer writes words with their spaces, llama.cpp leaves it: the
    tokens are the same. Other tokens are still told by how many a prompt has and by how likely the first ones are.
    """
    return text in {expected, f" {expected}"}


def _distances(reference: Reference, given: Given) -> list[float]:
    """Return how far the likelihoods of first tokens lie apart, rank by rank: engines spell tokens differently."""
    told = given.answer.likeliest if given.answer is not None else ()
    return [abs(ours - theirs) for ours, theirs in zip(reference.likeliest, told, strict=False)]


def _middle(distances: Iterable[float]) -> float | None:
    known = list(distances)
    return median(known) if known else None


def _in_text(index: int, expected: str, answer: Answer) -> Difference:
    both = zip(expected, answer.text, strict=False)
    place = next((number for number, (one, other) in enumerate(both) if one != other), None)
    if place is None:
        place = min(len(expected), len(answer.text))
    until = place + SNIPPET
    return Difference(
        index, "text", len(expected), len(answer.text), place, expected[place:until], answer.text[place:until]
    )


def _is_counted(reference: Reference, given: Given) -> bool:
    return reference.prompt_tokens is not None and given.answer is not None and given.answer.prompt_tokens is not None
