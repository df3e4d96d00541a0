"""Which of llama.cpp's ways to split a text before byte-pair encoding is the one of a `tokenizer.json`?

A wrong one gives other token ids without a word. Only those that are recognised to the letter are named; each is
compared with the tokenizers library, id by id, in `tests/tuning/gguf/test_splits.py`.
Patterns: transformers' `models/qwen2/tokenization_qwen2.py`, `integrations/gguf/gguf_tokenizer_mapping.py`,
read 2026-11.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

Table = Mapping[str, object]

_CONTRACTIONS = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)"
_TAIL = r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
_WORDS = _CONTRACTIONS + r"|[^\r\n\p{L}\p{N}]?\p{L}+|"


class Split(msgspec.Struct, frozen=True):
    """One way to split.

    Attributes:
        name: In GGUF, `tokenizer.ggml.pre`.
        ignores_merges: Whether llama.cpp takes a word that is a token as it is; the tokenizer must do the same.
        steps: What `pre_tokenizer` says, without what only concerns offsets.
    """

    name: str
    ignores_merges: bool
    steps: tuple[tuple[str, bool | str], ...]


_BYTES = ("ByteLevel", False)
SPLITS = (
    Split("gpt-2", ignores_merges=False, steps=(("ByteLevel", True),)),
    Split("smollm", ignores_merges=False, steps=(("Digits", True), ("ByteLevel", True))),
    Split("qwen2", ignores_merges=False, steps=(("Split", _WORDS + r"\p{N}" + _TAIL), _BYTES)),
    Split("llama-bpe", ignores_merges=True, steps=(("Split", _WORDS + r"\p{N}{1,3}" + _TAIL), _BYTES)),
)


CLASSES: Mapping[str, tuple[str, ...]] = {
    "": tuple(each.name for each in SPLITS),
    "PreTrainedTokenizer": tuple(each.name for each in SPLITS),
    "TokenizersBackend": tuple(each.name for each in SPLITS),
    "LlamaTokenizer": tuple(each.name for each in SPLITS),
    "GPT2Tokenizer": ("gpt-2",),
    "Qwen2Tokenizer": ("qwen2",),
}
"""Which splits transformers leaves as `tokenizer.json` has them, by the `tokenizer_class` of `tokenizer_config.json`.

transformers 5.23 builds the tokenizers of some classes itself and overrides what `tokenizer.json` says, without a word;
tried out in `tests/tuning/gguf/test_splits.py`.
"""


def is_kept(split: Split, tokenizer_class: object) -> bool:
    """Tell whether transformers splits as `tokenizer.json` says, for a folder's `tokenizer_class`."""
    return split.name in CLASSES.get(str(tokenizer_class or "").removesuffix("Fast"), ())


def split_of(tokenizer: Table) -> Split | None:
    """Return the split of a tokenizer, None where it is none of those known."""
    model = tokenizer.get("model")
    ignores = bool(model.get("ignore_merges")) if isinstance(model, Mapping) else False
    steps = _steps(tokenizer.get("pre_tokenizer"))
    return next((each for each in SPLITS if each.steps == steps and each.ignores_merges == ignores), None)


def _steps(table: object) -> tuple[tuple[object, ...], ...] | None:
    if not isinstance(table, Mapping):
        return None
    if table.get("type") != "Sequence":
        return (_step(table),)
    members = table.get("pretokenizers")
    return tuple(_step(each) for each in members if isinstance(each, Mapping)) if isinstance(members, list) else None


def _step(table: Table) -> tuple[object, ...]:
    match table.get("type"):
        case "ByteLevel" if table.get("add_prefix_space") is False:
            return ("ByteLevel", table.get("use_regex", True))
        case "Digits":
            return ("Digits", table.get("individual_digits"))
        case "Split" if table.get("behavior") == "Isolated" and table.get("invert") is False:
            pattern = table.get("pattern")
            return ("Split", pattern.get("Regex") if isinstance(pattern, Mapping) else None)
        case unknown:
            return ("unknown", unknown)
