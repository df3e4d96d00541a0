"""What does the base read of an example: its chat template's text, and how many tokens that is?

Neither transformers nor torch is needed for it: `tokenizers` reads tokenizer.json.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
from tokenizers import Tokenizer

from hortus.jobs.errors import StepError
from hortus.jobs.examples import Message
from hortus.tuning.templates import DEFAULT, FOR_TOOLS, TEMPLATE, ChatTemplate, Rendered, TemplateRefuses

TOKENIZER = "tokenizer.json"
_CONFIG = "tokenizer_config.json"
_BESIDE = "additional_chat_templates"
_decode = msgspec.json.Decoder(dict[str, Any]).decode


class BaseText:
    """A base's tokenizer and chat template.

    Args:
        folder: Of the base, as Hugging Face lays it out.

    Raises:
        StepError: There is no tokenizer that can be read, or the chat template is broken.
    """

    def __init__(self, folder: Path) -> None:
        self._config = _config_of(folder)
        self._tokenizer, self._identity = _tokenizer_of(folder)
        self._source = _template_of(folder, self._config)
        self._words = _special_words(self._config)
        self._template = None if self._source is None else ChatTemplate(self._source, words=self._words)
        self._special = _special_pattern(self._tokenizer)

    @property
    def identity(self) -> str:
        """SHA-256 of all that counting hangs on."""
        return hashlib.sha256(
            msgspec.json.encode([self._identity, self._source, sorted(self._words.items())])
        ).hexdigest()

    @property
    def has_template(self) -> bool:
        """Whether it can read chats."""
        return self._template is not None

    def count(self, texts: Sequence[Rendered]) -> list[tuple[int, int]]:
        """Return how many tokens prompt and answer of each text have, counted apart, as they are for training."""
        both = [one for text in texts for one in (text.prompt, text.answer)]
        counts = [len(one.ids) for one in self._tokenizer.encode_batch_fast(both, add_special_tokens=False)]
        return list(zip(counts[::2], counts[1::2], strict=True))

    def holds_special(self, text: str) -> bool:
        """Tell whether a text has a special token in it."""
        return self._special is not None and self._special.search(text) is not None

    def render(
        self, prompt: Sequence[Message], answer: Message, *, tools: Sequence[dict[str, Any]] | None = None
    ) -> Rendered:
        """Return the text of an example; plain text is itself.

        Raises:
            TemplateRefuses: The chat template raises an error, or there is none.
            PromptChanges: The text with the answer does not begin with the text without it.
        """
        if not prompt:
            return Rendered("", answer["content"])
        if self._template is None:
            raise TemplateRefuses("")
        return self._template.render(prompt, answer, tools=tools)


def _read_json(path: Path) -> dict[str, Any] | None:
    try:
        return _decode(path.read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError, msgspec.DecodeError) as error:
        raise _broken(path.name) from error


def _broken(name: str) -> StepError:
    return StepError(f"{name} of the base cannot be read.", reason="broken_base", path=name, hint="Fetch it again.")


def _config_of(folder: Path) -> dict[str, Any]:
    return (_read_json(folder / "special_tokens_map.json") or {}) | (_read_json(folder / _CONFIG) or {})


def _tokenizer_of(folder: Path) -> tuple[Any, str]:
    path = folder / TOKENIZER
    try:
        data = path.read_bytes()
        return Tokenizer.from_buffer(data), hashlib.sha256(data).hexdigest()
    except FileNotFoundError as error:
        raise StepError(
            "The base has no tokenizer.json.",
            reason="no_tokenizer",
            path=TOKENIZER,
            hint="Save its tokenizer with transformers' save_pretrained.",
        ) from error
    except Exception as error:  # tokenizers raises nothing narrower
        raise _broken(TOKENIZER) from error


def _template_of(folder: Path, config: Mapping[str, Any]) -> str | dict[str, str] | None:
    given = config.get("chat_template")
    if isinstance(given, list):  # several by name, as transformers wrote them before 4.52, recalled 2026-11
        given = {one["name"]: one["template"] for one in given if {"name", "template"} <= one.keys()}
    own, beside = _read_text(folder / TEMPLATE), _read_text(folder / _BESIDE / f"{FOR_TOOLS}.jinja")
    if own is not None:
        given = own if beside is None else {DEFAULT: own, FOR_TOOLS: beside}
    return given if isinstance(given, str | dict) and given else None


def _read_text(path: Path) -> str | None:
    try:
        return path.read_text("utf-8") if path.is_file() else None
    except (OSError, UnicodeDecodeError) as error:
        raise _broken(path.name) from error


def _special_words(config: Mapping[str, Any]) -> dict[str, str]:
    """Return the tokens that templates know by name, such as `bos_token`."""
    words = {}
    for name, value in config.items():
        if name.endswith("_token"):
            text = value.get("content") if isinstance(value, dict) else value
            if isinstance(text, str):
                words[name] = text
    return words


def _special_pattern(tokenizer: Any) -> re.Pattern[str] | None:
    special = [one.content for one in tokenizer.get_added_tokens_decoder().values() if one.special]
    return re.compile("|".join(map(re.escape, sorted(special)))) if special else None
