"""Would llama.cpp's SentencePiece give the token ids of a BPE with byte fallback, and with which scores?

llama.cpp joins any two neighbours that are a token together, the highest score first, then the leftmost; BPE joins
only listed pairs, the lowest rank first, then the leftmost. A piece of text is always joined in the same order,
whatever stands around it, so the last pair that makes a token is one and the same everywhere: its rank is the score.
llama.cpp's `src/llama-vocab.cpp`, recalled 2026-11; compared id by id in `tests/tuning/gguf/test_pieces.py`.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from enum import StrEnum
from heapq import heapify, heappop, heappush
from itertools import pairwise

from hortus.tuning.folders import ModelFolder, Table

SPACE = "▁"
BYTES = tuple(f"<0x{number:02X}>" for number in range(256))

FIRST_NOT_CARRIED = (
    "llama.cpp puts no space before a text that does not begin with the chat template's first token,"
    " where transformers puts one."
)


FRONT_NOT_TAKEN = "llama.cpp keeps the space before an answer's first word, which transformers takes away."
LITERAL_NOT_CARRIED = f"llama.cpp does not tell the letter {SPACE} from a space, where transformers does."


class Way(StrEnum):
    """Before what a tokenizer puts a space."""

    NOTHING = "never"
    START = "first"
    """The whole text, where it does not begin with a special token."""
    PARTS = "parts"
    """Every part between special tokens."""
    WORDS = "always"
    """Every part that does not begin with one."""


_REPLACE: Mapping[str, object] = {"type": "Replace", "pattern": {"String": " "}, "content": SPACE}
_PREPEND: Mapping[str, object] = {
    "type": "Sequence",
    "normalizers": [{"type": "Prepend", "prepend": SPACE}, _REPLACE],
}
_NO_SPLIT: Mapping[str, object] = {
    "type": "Split",
    "pattern": {"String": " "},
    "behavior": "MergedWithPrevious",
    "invert": False,
}
"""Of spaces, which the normaliser has taken away before."""


def _metaspace(scheme: str) -> Mapping[str, object]:
    return {"type": "Metaspace", "replacement": SPACE, "prepend_scheme": scheme, "split": False}


_WRITTEN: tuple[tuple[object, object, Way], ...] = (
    (_PREPEND, None, Way.PARTS),
    (_REPLACE, None, Way.NOTHING),
    (_REPLACE, _NO_SPLIT, Way.NOTHING),
    *((None, _metaspace(way.value), way) for way in (Way.NOTHING, Way.START, Way.WORDS)),
)
"""Normaliser, pre-tokenizer, and what they do together; to the letter."""

_MAKERS: Mapping[str, str] = {"llama": "", "mistral": "", "gemma2": "GemmaTokenizer", "gemma3_text": "GemmaTokenizer"}
"""Which class a folder gets that names none, by `model_type`."""
_BEGINS = re.compile(r"(?:\s|\{%.*?%\}|\{#.*?#\})*\{\{-?\s*bos_token\b", re.DOTALL)


def way_of(folder: ModelFolder) -> Way | None:
    """Return what transformers 5.23 does with a folder's tokenizer, None where that is not known.

    Some of its classes put their own way over what `tokenizer.json` says, without a word; tried out in
    `tests/tuning/gguf/test_pieces.py`.
    """
    normalizer, before = folder.tokenizer.get("normalizer"), folder.tokenizer.get("pre_tokenizer")
    written = next((way for one, other, way in _WRITTEN if (one, other) == (normalizer, before)), None)
    kind = str(folder.config.get("model_type"))
    if written is None or kind not in _MAKERS:
        return None
    return written if kind == "mistral" else _made(written, folder.tokenizer_config, kind=kind)


def _made(written: Way, told: Table, *, kind: str) -> Way | None:
    maker = str(told.get("tokenizer_class") or _MAKERS[kind]).removesuffix("Fast")
    match maker:
        case "" | "PreTrainedTokenizer" | "TokenizersBackend":
            return written
        case "GemmaTokenizer":
            return Way.NOTHING
        case "LlamaTokenizer" if told.get("add_prefix_space") in {None, True}:
            return Way.WORDS if told.get("legacy") else Way.START
        case _:
            return None


def begins_with_special(template: str | None) -> bool:
    """Tell whether a chat template writes the tokenizer's first token before anything else."""
    return template is not None and _BEGINS.match(template) is not None


def scores_of(tokens: Sequence[str], merges: Sequence[tuple[str, str]], *, cut: Collection[str]) -> list[float] | str:
    """Return llama.cpp's score of each token, or a token that it would make and BPE would not.

    Args:
        cut: Tokens that are cut out of a text before.
    """
    ranks = {pair: rank for rank, pair in enumerate(merges)}
    scores = [-float(len(merges))] * len(tokens)
    for number, text in enumerate(tokens):
        if len(text) < 2 or text in cut:  # noqa: PLR2004 - a single letter is never made
            continue
        parts = _parts(text, ranks)
        if len(parts) != 2:  # noqa: PLR2004 - pairs make tokens
            continue
        rank = ranks.get((parts[0], parts[1]))
        if rank is None:
            return text
        scores[number] = -float(rank)
    return scores


def _parts(text: str, ranks: Mapping[tuple[str, str], int]) -> list[str]:
    """Join a text's letters until two parts are left, or nothing can be joined; in n log n steps.

    A part keeps the place of its first letter; the places of the others hold nothing then.
    """
    parts, left = list(text), len(text)
    after, before = [*range(1, left + 1)], [*range(-1, left - 1)]
    queue = [(ranks[pair], place, pair) for place, pair in enumerate(pairwise(parts)) if pair in ranks]
    heapify(queue)
    while queue and left > 2:  # noqa: PLR2004 - the last pair is what is asked for
        _, place, pair = heappop(queue)
        second = after[place]
        if second >= len(parts) or (parts[place], parts[second]) != pair:
            continue  # one of them was joined with its other neighbour
        parts[place], parts[second], left = pair[0] + pair[1], "", left - 1
        third = after[place] = after[second]
        if third < len(parts):
            before[third] = place
            _queue(queue, place, (parts[place], parts[third]), ranks)
        if place:
            _queue(queue, before[place], (parts[before[place]], parts[place]), ranks)
    return [part for part in parts if part]


def _queue(
    queue: list[tuple[int, int, tuple[str, str]]],
    place: int,
    pair: tuple[str, str],
    ranks: Mapping[tuple[str, str], int],
) -> None:
    if pair in ranks:
        heappush(queue, (ranks[pair], place, pair))


def clash_of(added: Collection[str]) -> tuple[str, str] | None:
    """Return two added tokens whose overlap is cut otherwise by llama.cpp: the longest first, not the leftmost."""
    beginning: dict[str, list[str]] = defaultdict(list)
    for text in added:
        for end in range(1, len(text)):
            beginning[text[:end]].append(text)
    for left in added:
        for start in range(1, len(left)):
            for right in beginning.get(left[start:], ()):
                both = left[:start] + right
                if len(right) >= len(left) and right != left and not both.startswith(right):
                    return left, right
    return None
