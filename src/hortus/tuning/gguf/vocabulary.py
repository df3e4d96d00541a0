"""What does llama.cpp need to know of a `tokenizer.json`, and would it give the same token ids?

Byte-level BPE only: whatever cannot be told for certain is refused with the reason.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import msgspec

from hortus.jobs.errors import StepError
from hortus.tuning.folders import GENERATION, ModelFolder, Table
from hortus.tuning.gguf.splits import is_kept, split_of

NORMAL, CONTROL, USER_DEFINED, UNUSED = 1, 3, 4, 5
"""Kinds of tokens in GGUF. https://github.com/ggml-org/ggml/blob/master/docs/gguf.md, recalled 2026-11."""

NOT_NORMALISED = "llama.cpp does not bring texts into the form NFC first: decomposed letters get other token ids there."

_MOST_TOKENS = 4_000_000
_MOST_ENDS = 3
"""GGUF names three: the end of text, of a turn, of a message."""


class _Bpe(msgspec.Struct, frozen=True):
    type: str
    vocab: dict[str, int]
    merges: list[str | tuple[str, str]]
    dropout: float | None = None
    continuing_subword_prefix: str | None = None
    end_of_word_suffix: str | None = None
    byte_fallback: bool = False


class Vocabulary(msgspec.Struct, frozen=True):
    """The tokenizer as GGUF tells it.

    Attributes:
        split: llama.cpp's name of the way to split a text.
        tokens: By id.
        kinds: By id.
        merges: Such as `Ġ t`.
        ends: Ids that end an answer; at most three.
        limits: Where llama.cpp is known to differ.
    """

    split: str
    tokens: tuple[str, ...]
    kinds: tuple[int, ...]
    merges: tuple[str, ...]
    bos: int | None
    pad: int | None
    ends: tuple[int, ...]
    limits: tuple[str, ...] = ()


def refusal(message: str, path: Path) -> StepError:
    """Return the error for a folder that cannot become a GGUF file."""
    return StepError(
        message,
        reason="no_gguf",
        path=str(path),
        hint="Serve it with the transformers engine, which runs every architecture.",
    )


def read_vocabulary(folder: ModelFolder) -> Vocabulary:
    """Return the vocabulary of a model's folder.

    Raises:
        StepError: llama.cpp would, or might, split texts otherwise.
    """
    path = folder.root / "tokenizer.json"
    tokenizer = folder.tokenizer
    model = _model(tokenizer, path)
    split = split_of(tokenizer)
    if split is None:
        raise refusal("splits texts in a way that is not known to be one of llama.cpp's.", path)
    maker = folder.tokenizer_config.get("tokenizer_class")
    if not is_kept(split, maker):
        raise refusal(
            f"splits texts as {split.name}, which transformers' {maker} may override without a word; with"
            " `PreTrainedTokenizerFast` as `tokenizer_class` in tokenizer_config.json it does not.",
            path,
        )
    added = _added(tokenizer, path)
    tokens, kinds = _tokens(model.vocab, added, size=folder.vocabulary, path=path)
    return Vocabulary(
        split=split.name,
        tokens=tokens,
        kinds=kinds,
        merges=tuple(_merge(each, path) for each in model.merges),
        bos=_named(folder, "bos_token", tokens),
        pad=_named(folder, "pad_token", tokens),
        ends=_ends(folder, tokens),
        limits=_normalised(folder, path),
    )


class _Added(msgspec.Struct, frozen=True):
    id: int
    content: str
    special: bool = False
    lstrip: bool = False
    rstrip: bool = False
    single_word: bool = False


def _model(tokenizer: Table, path: Path) -> _Bpe:
    model = tokenizer.get("model")
    kind = model.get("type") if isinstance(model, Mapping) else None
    if kind != "BPE":
        raise refusal(f"has a tokenizer of the kind {kind!r}; only byte-level BPE can be converted.", path)
    try:
        bpe = msgspec.convert(model, _Bpe)
    except msgspec.ValidationError as error:
        raise refusal(f"has a model that cannot be read ({error}).", path) from None
    if bpe.dropout or bpe.continuing_subword_prefix or bpe.end_of_word_suffix or bpe.byte_fallback:
        raise refusal("has dropout, prefixes, suffixes or byte fallback, which byte-level BPE has not.", path)
    return bpe


def _added(tokenizer: Table, path: Path) -> list[_Added]:
    try:
        added = msgspec.convert(tokenizer.get("added_tokens", []), list[_Added])
    except msgspec.ValidationError as error:
        raise refusal(f"has added tokens that cannot be read ({error}).", path) from None
    for each in added:
        if each.lstrip or each.rstrip or each.single_word:
            raise refusal(f"has the added token {each.content!r}, which swallows its surroundings.", path)
    return added


def _tokens(
    vocabulary: dict[str, int], added: list[_Added], *, size: int, path: Path
) -> tuple[tuple[str, ...], tuple[int, ...]]:
    if size > _MOST_TOKENS:
        raise refusal(f"would have {size:,} tokens, which no model has.", path)
    tokens: list[str | None] = [None] * size
    kinds = [UNUSED] * size
    for text, number in vocabulary.items():
        _check_number(number, size, path)
        tokens[number], kinds[number] = text, NORMAL
    for each in added:
        _check_number(each.id, size, path)
        tokens[each.id], kinds[each.id] = each.content, CONTROL if each.special else USER_DEFINED
    named = tuple(f"[PAD{number}]" if text is None else text for number, text in enumerate(tokens))
    if len(set(named)) < size:
        raise refusal("has a token with two ids, which llama.cpp does not load.", path)
    return named, tuple(kinds)


def _check_number(number: int, size: int, path: Path) -> None:
    if not 0 <= number < size:
        raise refusal(f"has the token id {number}, for which there is no row among the {size:,} embeddings.", path)


def _merge(pair: str | tuple[str, str], path: Path) -> str:
    text = pair if isinstance(pair, str) else " ".join(pair)
    if text.count(" ") != 1:
        raise refusal("has a merge that holds a space, which byte-level BPE has not.", path)
    return text


def _named(folder: ModelFolder, key: str, tokens: tuple[str, ...]) -> int | None:
    text = folder.special(key)
    return tokens.index(text) if text is not None and text in tokens else None


def _ends(folder: ModelFolder, tokens: tuple[str, ...]) -> tuple[int, ...]:
    """The tokenizer's own end goes first, then generation's: trainer and engines stop at all of them."""
    named = _named(folder, "eos_token", tokens)
    told = folder.generation.get("eos_token_id", folder.config.get("eos_token_id"))
    numbers = [named, *(told if isinstance(told, list) else [told])]
    ends = tuple(dict.fromkeys(each for each in numbers if isinstance(each, int)))
    if not ends:
        raise refusal("names no token that ends an answer (`eos_token_id`).", folder.root / GENERATION)
    if len(ends) > _MOST_ENDS or not 0 <= min(ends) <= max(ends) < len(tokens):
        raise refusal(f"names {len(ends)} tokens that end an answer, or one that is none.", folder.root / GENERATION)
    return ends


def _normalised(folder: ModelFolder, path: Path) -> tuple[str, ...]:
    normalizer = folder.tokenizer.get("normalizer")
    if normalizer is None:
        is_qwen = str(folder.tokenizer_config.get("tokenizer_class")).startswith("Qwen2Tokenizer")
        return (NOT_NORMALISED,) if is_qwen else ()
    if isinstance(normalizer, Mapping) and normalizer.get("type") == "NFC":
        return (NOT_NORMALISED,)
    raise refusal("changes texts before it splits them, which llama.cpp does not.", path)
