"""What does the base read of an example: its chat template's text, and how many tokens that is?

Neither transformers nor torch is needed for it: `tokenizers` reads tokenizer.json, and templates run in the same
sandbox, with the same words, as transformers gives them.
"""

from __future__ import annotations

import hashlib
import json  # noqa: TID251 -- templates expect objects in the spelling of json.dumps, spaces included
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NoReturn

import msgspec
from jinja2 import Template, TemplateError, nodes
from jinja2.exceptions import SecurityError
from jinja2.ext import Extension, loopcontrols
from jinja2.parser import Parser
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.utils import Namespace
from tokenizers import Tokenizer
from typing_extensions import override

from hortus.jobs.errors import StepError
from hortus.jobs.examples import Message, for_template

TOKENIZER = "tokenizer.json"
_CONFIG = "tokenizer_config.json"
_TEMPLATE = "chat_template.jinja"
_SAID_CHARACTERS = 200
_DAY = datetime(2026, 1, 1, tzinfo=UTC)  # templates that write today's date: each check must give the same
_decode = msgspec.json.Decoder(dict[str, Any]).decode


class PromptChanges(Exception):  # noqa: N818 -- it says what happened
    """A chat template writes a prompt differently once its answer follows: it would learn another one."""


class TemplateRefuses(Exception):  # noqa: N818 -- it says what happened
    """A chat template does not take some messages; `why` is a sentence of the template itself, if it has one."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


class Rendered(msgspec.Struct, frozen=True):
    """The text of an example: what stands before the answer, and the answer with all that ends it."""

    prompt: str
    answer: str


class _Generation(Extension):
    """`{% generation %}`, by which templates mark answers for trainers: says nothing here."""

    tags = {"generation"}  # noqa: RUF012 -- as Jinja declares it

    @override
    def parse(self, parser: Parser) -> list[nodes.Node]:
        next(parser.stream)
        return parser.parse_statements(("name:endgeneration",), drop_needle=True)


class _Namespace(Namespace):
    """`namespace()` of templates, without attributes that could reach what lies under it, as transformers has it."""

    @override
    def __setitem__(self, name: str, value: object) -> None:
        if name.startswith("_"):
            raise SecurityError("A chat template may not write names that begin with an underscore.")
        super().__setitem__(name, value)


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
        self._template = _compiled(self._source) if self._source is not None else None
        self._words = _special_words(self._config)
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
            TemplateRefuses: The chat template raises an error.
            PromptChanges: The text with the answer does not begin with the text without it.
        """
        if not prompt:
            return Rendered("", answer["content"])
        whole = self._rendered([*prompt, answer], tools, is_asked=False)
        before = self._rendered(prompt, tools, is_asked=True)
        if not whole.startswith(before):
            raise PromptChanges
        return Rendered(before, whole[len(before) :])

    def _rendered(self, messages: Sequence[Message], tools: Sequence[dict[str, Any]] | None, *, is_asked: bool) -> str:
        if self._template is None:
            raise TemplateRefuses("")
        try:
            return self._template.render(
                messages=_with_thinking(for_template(messages)),
                tools=tools,
                documents=None,
                add_generation_prompt=is_asked,
                **self._words,
            )
        except TemplateError as error:
            raise TemplateRefuses(self._own_words(str(error))) from error
        except (TypeError, ValueError, KeyError, AttributeError, ArithmeticError, RecursionError) as error:
            raise TemplateRefuses("") from error  # a template's own mistake about what messages have

    def _own_words(self, said: str) -> str:
        """Return an error's sentence if the template has it written in it: others might quote what a message says."""
        return said[:_SAID_CHARACTERS] if said and said in (self._source or "") else ""


def _with_thinking(messages: Sequence[Message]) -> list[Message]:
    """Return messages with their reasoning under both names that templates read."""
    return [{"thinking": one["reasoning_content"], **one} if "reasoning_content" in one else one for one in messages]


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


def _template_of(folder: Path, config: Mapping[str, Any]) -> str | None:
    path = folder / _TEMPLATE
    if path.is_file():
        try:
            return path.read_text("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise _broken(_TEMPLATE) from error
    given = config.get("chat_template")
    if isinstance(given, list):  # several by name, as transformers wrote them before 4.52, recalled 2026-11
        given = next((one.get("template") for one in given if one.get("name") == "default"), None)
    return given if isinstance(given, str) else None


def _compiled(source: str) -> Template:
    # transformers/utils/chat_template_utils.py of transformers 5.23, read 2026-11
    environment = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[_Generation, loopcontrols]
    )
    environment.filters["tojson"] = _tojson
    environment.globals["namespace"] = _Namespace
    environment.globals["raise_exception"] = _raise
    environment.globals["strftime_now"] = _DAY.strftime
    try:
        return environment.from_string(source)
    except TemplateError as error:
        raise StepError(
            "The base's chat template is broken.", reason="broken_base", path=_TEMPLATE, hint="Fetch the base again."
        ) from error


def _raise(message: str) -> NoReturn:
    raise TemplateError(message)


def _tojson(
    value: object,
    ensure_ascii: bool = False,  # noqa: FBT001, FBT002 -- as templates call it
    indent: int | None = None,
    separators: tuple[str, str] | None = None,
    sort_keys: bool = False,  # noqa: FBT001, FBT002 -- as templates call it
) -> str:
    return json.dumps(value, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)


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
