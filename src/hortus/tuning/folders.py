"""What do the small files of a Hugging Face folder say: config, tokenizer, chat template? Weights stay untouched."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path

import msgspec

from hortus.jobs.errors import StepError

CONFIG, GENERATION = "config.json", "generation_config.json"
TOKENIZER, TOKENIZER_CONFIG = "tokenizer.json", "tokenizer_config.json"
SPECIAL_TOKENS = "special_tokens_map.json"
"""Where older folders name their special tokens."""
TEMPLATE = "chat_template.jinja"
SMALL_FILES = (CONFIG, GENERATION, TOKENIZER, TOKENIZER_CONFIG, SPECIAL_TOKENS, TEMPLATE)

_LARGEST = 256 * 1024 * 1024
"""Tokenizers of a quarter of a million tokens take about 35 MB."""

_MOST = 1 << 31

Table = Mapping[str, object]


def read_table(path: Path) -> dict[str, object]:
    """Read a JSON object.

    Raises:
        StepError: Missing, too large, or no JSON object.
    """
    try:
        if path.stat().st_size > _LARGEST:
            raise bad_file("is larger than any such file may be.", path)
        return msgspec.json.decode(path.read_bytes(), type=dict[str, object])
    except FileNotFoundError:
        raise bad_file("is missing.", path) from None
    except (OSError, msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise bad_file("cannot be read as a JSON object.", path) from None


def bad_file(message: str, path: Path) -> StepError:
    """Return the error for a folder that is no usable model."""
    return StepError(
        message, reason="bad_base", path=str(path), hint="Give a whole Hugging Face folder as its maker publishes it."
    )


class ModelFolder:
    """The small files of one model, read when they are first asked for.

    Args:
        root: The folder.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    @cached_property
    def config(self) -> Table:
        """`config.json`."""
        return read_table(self.root / CONFIG)

    @cached_property
    def generation(self) -> Table:
        """`generation_config.json`, empty where there is none."""
        return self._table(GENERATION)

    @cached_property
    def tokenizer(self) -> Table:
        """`tokenizer.json`."""
        return read_table(self.root / TOKENIZER)

    @cached_property
    def tokenizer_config(self) -> Table:
        """`tokenizer_config.json`, empty where there is none."""
        return self._table(TOKENIZER_CONFIG)

    def _table(self, name: str) -> Table:
        path = self.root / name
        return read_table(path) if path.exists() else {}

    @property
    def architecture(self) -> str:
        """Name of the model's class in transformers, empty where it is not told."""
        names = self.config.get("architectures")
        return str(names[0]) if isinstance(names, list) and names else ""

    @property
    def vocabulary(self) -> int:
        """Rows of the embeddings."""
        return self.integer("vocab_size")

    @property
    def template(self) -> str | None:
        """The chat template as transformers would find it: the file beside the tokenizer goes first."""
        beside = self.root / TEMPLATE
        if beside.exists():
            try:
                return beside.read_text(encoding="utf-8")
            except (OSError, UnicodeDecodeError):
                raise bad_file("cannot be read as text.", beside) from None
        match self.tokenizer_config.get("chat_template"):
            case str() as template:
                return template
            case list() as named:
                return _default_of(named)
            case _:
                return None

    def integer(self, key: str) -> int:
        """Return a whole number of the config.

        Raises:
            StepError: It is not there, or no whole number above 0.
        """
        value = self.config.get(key)
        if isinstance(value, bool) or not isinstance(value, int) or not 0 < value < _MOST:
            raise bad_file(f"says no usable whole number above 0 for {key!r}.", self.root / CONFIG)
        return value

    def special(self, key: str) -> str | None:
        """Return the text of a special token, such as `eos_token`."""
        named = self.tokenizer_config if key in self.tokenizer_config else self._table(SPECIAL_TOKENS)
        match named.get(key):
            case str() as text:
                return text
            case {"content": str() as text}:
                return text
            case _:
                return None


def _default_of(named: list[object]) -> str | None:
    for each in named:
        match each:
            case {"name": "default", "template": str() as template}:
                return template
            case _:
                continue
    return None
