"""What does llama.cpp need to know of a `tokenizer.json`, and would it give the same token ids?

Byte-level BPE, and SentencePiece's with byte fallback: whatever cannot be told for certain is refused with the reason.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import chain
from pathlib import Path

import msgspec

from hortus.tuning.folders import GENERATION, TOKENIZER, ModelFolder, Table
from hortus.tuning.gguf.pieces import (
    BYTES,
    FIRST_NOT_CARRIED,
    FRONT_NOT_TAKEN,
    LITERAL_NOT_CARRIED,
    SPACE,
    Way,
    begins_with_special,
    clash_of,
    scores_of,
    way_of,
)
from hortus.tuning.gguf.refusals import refusal
from hortus.tuning.gguf.splits import is_kept, split_of

NORMAL, UNKNOWN, CONTROL, USER_DEFINED, UNUSED, BYTE = 1, 2, 3, 4, 5, 6
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
    ignore_merges: bool = False
    unk_token: str | None = None


class Vocabulary(msgspec.Struct, frozen=True):
    """The tokenizer as GGUF tells it.

    Attributes:
        model: llama.cpp's name of the kind of tokenizer.
        split: llama.cpp's name of the way to split a text.
        tokens: By id.
        kinds: By id.
        merges: Such as `Ġ t`; none with SentencePiece.
        scores: By id; only with SentencePiece.
        space_prefix: Whether llama.cpp puts a space before every part of a text between special tokens.
        ends: Ids that end an answer; at most three.
        limits: Where llama.cpp is known to differ.
    """

    model: str
    split: str
    tokens: tuple[str, ...]
    kinds: tuple[int, ...]
    merges: tuple[str, ...]
    bos: int | None
    pad: int | None
    ends: tuple[int, ...]
    limits: tuple[str, ...] = ()
    scores: tuple[float, ...] = ()
    space_prefix: bool = False
    unknown: int | None = None


def read_vocabulary(folder: ModelFolder) -> Vocabulary:
    """Return the vocabulary of a model's folder.

    Raises:
        StepError: llama.cpp would, or might, split texts otherwise.
    """
    bpe = _model(folder.tokenizer, folder.root / TOKENIZER)
    return _pieces(folder, bpe) if bpe.byte_fallback else _bytes(folder, bpe)


def _bytes(folder: ModelFolder, model: _Bpe) -> Vocabulary:
    """Byte-level BPE."""
    path = folder.root / TOKENIZER
    split = split_of(folder.tokenizer)
    if split is None:
        raise refusal("splits texts in a way that is not known to be one of llama.cpp's.", path)
    maker = folder.tokenizer_config.get("tokenizer_class")
    if not is_kept(split, maker):
        raise refusal(
            f"splits texts as {split.name}, which transformers' {maker} may override without a word; with"
            " `PreTrainedTokenizerFast` as `tokenizer_class` in tokenizer_config.json it does not.",
            path,
        )
    added = _added(folder.tokenizer, path)
    tokens, kinds = _tokens(model.vocab, added, size=folder.vocabulary, path=path)
    return Vocabulary(
        model="gpt2",
        split=split.name,
        tokens=tokens,
        kinds=kinds,
        merges=tuple(" ".join(_merge(each, path)) for each in model.merges),
        bos=_named(folder, "bos_token", tokens),
        pad=_named(folder, "pad_token", tokens),
        ends=_ends(folder, tokens),
        limits=_normalised(folder, path),
    )


def _pieces(folder: ModelFolder, model: _Bpe) -> Vocabulary:
    """SentencePiece's BPE: spaces are letters, and letters without a token become tokens of their bytes."""
    path = folder.root / TOKENIZER
    way = _way(folder, path)
    merges = [_merge(each, path) for each in model.merges]
    _check_bytes(model, merges, path)
    added = _searched(folder, model, way, path)
    tokens, kinds = _tokens(model.vocab, added, size=folder.vocabulary, path=path)
    scores = scores_of(tokens, merges, cut=frozenset(each.content for each in added))
    if isinstance(scores, str):
        raise refusal(f"has the token {scores!r}, which llama.cpp makes of two others and its merges do not.", path)
    unknown = tokens.index(model.unk_token) if model.unk_token in tokens else None
    return Vocabulary(
        model="llama",
        split="default",
        tokens=tokens,
        kinds=_with_bytes(tokens, kinds, unknown),
        merges=(),
        bos=_named(folder, "bos_token", tokens),
        pad=_named(folder, "pad_token", tokens),
        ends=_ends(folder, tokens),
        limits=_spaces(folder, way),
        scores=tuple(scores),
        space_prefix=way is Way.PARTS,
        unknown=unknown,
    )


def _spaces(folder: ModelFolder, way: Way) -> tuple[str, ...]:
    added = folder.tokenizer.get("added_tokens")
    told = {
        FIRST_NOT_CARRIED: way is Way.START,
        FRONT_NOT_TAKEN: way in {Way.START, Way.PARTS},
        LITERAL_NOT_CARRIED: isinstance(added, list) and SPACE in str(added),
    }
    return tuple(text for text, is_so in told.items() if is_so)


def _way(folder: ModelFolder, path: Path) -> Way:
    way = way_of(folder)
    if way is None:
        maker = folder.tokenizer_config.get("tokenizer_class")
        raise refusal(f"changes or splits texts in a way that is not known to be llama.cpp's (class {maker}).", path)
    if way is Way.WORDS:
        raise refusal("puts a space only before parts of a text that have none, which llama.cpp does not.", path)
    if way is Way.START and not begins_with_special(folder.template):
        raise refusal(
            "puts a space before the first word only, which llama.cpp does not; it can be served only with a chat"
            " template that begins with `bos_token`.",
            path,
        )
    return way


def _check_bytes(model: _Bpe, merges: list[tuple[str, str]], path: Path) -> None:
    missing = next((each for each in BYTES if each not in model.vocab), None)
    if missing:
        raise refusal(f"has byte fallback and no token {missing}.", path)
    if model.ignore_merges:
        raise refusal("takes words that are tokens before any merge (`ignore_merges`), which llama.cpp does not.", path)
    if not frozenset(BYTES).isdisjoint(chain.from_iterable(merges)):
        raise refusal("has merges of single bytes, which llama.cpp does not make.", path)


def _searched(folder: ModelFolder, model: _Bpe, way: Way, path: Path) -> list[_Added]:
    """Return added tokens as llama.cpp finds them, which searches the text as it was given."""
    found = []
    for each in _added(folder.tokenizer, path):
        if each.normalized and way is Way.PARTS:
            raise refusal(f"searches for {each.content!r} only after it has put a space before the text.", path)
        if SPACE not in each.content:
            found.append(each)
        elif each.normalized and way is Way.NOTHING and folder.tokenizer.get("normalizer") is not None:
            found.append(msgspec.structs.replace(each, content=each.content.replace(SPACE, " ")))
        elif each.content not in model.vocab:
            raise refusal(f"has the added token {each.content!r}, which llama.cpp does not tell from a space.", path)
    return found


def _with_bytes(tokens: tuple[str, ...], kinds: tuple[int, ...], unknown: int | None) -> tuple[int, ...]:
    numbers = {text: number for number, text in enumerate(tokens)}
    special = {numbers[text]: BYTE for text in BYTES}
    if unknown is not None and kinds[unknown] == CONTROL:
        special[unknown] = UNKNOWN
    return tuple(special.get(number, kind) for number, kind in enumerate(kinds))


class _Added(msgspec.Struct, frozen=True):
    id: int
    content: str
    special: bool = False
    lstrip: bool = False
    rstrip: bool = False
    single_word: bool = False
    normalized: bool = False


def _model(tokenizer: Table, path: Path) -> _Bpe:
    model = tokenizer.get("model")
    kind = model.get("type") if isinstance(model, Mapping) else None
    if kind != "BPE":
        raise refusal(f"has a tokenizer of the kind {kind!r}; only BPE can be converted.", path)
    try:
        bpe = msgspec.convert(model, _Bpe)
    except msgspec.ValidationError as error:
        raise refusal(f"has a model that cannot be read ({error}).", path) from None
    if bpe.dropout or bpe.continuing_subword_prefix or bpe.end_of_word_suffix:
        raise refusal("has dropout, prefixes or suffixes, which llama.cpp has not.", path)
    return bpe


def _added(tokenizer: Table, path: Path) -> list[_Added]:
    try:
        added = msgspec.convert(tokenizer.get("added_tokens", []), list[_Added])
    except msgspec.ValidationError as error:
        raise refusal(f"has added tokens that cannot be read ({error}).", path) from None
    for each in added:
        if each.lstrip or each.rstrip or each.single_word:
            raise refusal(f"has the added token {each.content!r}, which swallows its surroundings.", path)
    if clash := clash_of({each.content for each in added}):
        raise refusal(
            f"has the added tokens {clash[0]!r} and {clash[1]!r}, whose overlap llama.cpp cuts otherwise.", path
        )
    return added


def _tokens(
    vocabulary: dict[str, int], added: list[_Added], *, size: int, path: Path
) -> tuple[tuple[str, ...], tuple[int, ...]]:
    if size > _MOST_TOKENS:
        raise refusal(f"would have {size:,} tokens, which no model has.", path)
    tokens: list[str | None] = [None] * size
    kinds = [UNUSED] * size
    for number, text, kind in _listed(vocabulary, added, size=size):
        _check_number(number, size, path)
        tokens[number], kinds[number] = text, kind
    named = tuple(f"[PAD{number}]" if text is None else text for number, text in enumerate(tokens))
    if len(set(named)) < size:
        raise refusal("has a token with two ids, which llama.cpp does not load.", path)
    return named, tuple(kinds)


def _listed(vocabulary: dict[str, int], added: list[_Added], *, size: int) -> Iterator[tuple[int, str, int]]:
    """Give ids, texts and kinds, without the added ones beyond the embeddings: nothing can be asked with them."""
    beyond = {each.content for each in added if each.id >= size}
    yield from ((number, text, NORMAL) for text, number in vocabulary.items() if text not in beyond)
    for each in added:
        if each.content not in beyond:
            yield each.id, each.content, CONTROL if each.special else USER_DEFINED


def _check_number(number: int, size: int, path: Path) -> None:
    if not 0 <= number < size:
        raise refusal(f"has the token id {number}, for which there is no row among the {size:,} embeddings.", path)


def _merge(pair: str | tuple[str, str], path: Path) -> tuple[str, str]:
    parts = tuple(pair.split(" ")) if isinstance(pair, str) else pair
    if len(parts) != 2 or any(" " in part for part in parts):  # noqa: PLR2004 - a pair
        raise refusal("has a merge that holds a space, which llama.cpp's have not.", path)
    return parts[0], parts[1]


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
