"""What does a chat template write, of messages? The same for the check that counts, the training and the references.

Templates run in the same sandbox, with the same words, as transformers gives them, and need neither it nor torch.
"""

from __future__ import annotations

import json  # noqa: TID251 -- templates expect objects in the spelling of json.dumps, spaces included
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NoReturn

import msgspec
from jinja2 import Template, TemplateError, nodes
from jinja2.exceptions import SecurityError
from jinja2.ext import Extension, loopcontrols
from jinja2.parser import Parser
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.utils import Namespace
from typing_extensions import override

from hortus.jobs.errors import StepError
from hortus.jobs.examples import Message, for_template

TEMPLATE = "chat_template.jinja"
DEFAULT, FOR_TOOLS = "default", "tool_use"
"""Names of templates where a base has several; the second one is taken where there are tools."""
DAY = datetime(2026, 1, 1, tzinfo=UTC)
"""What templates that write today's date are given: examples must become the same tokens on any day."""
_SAID_CHARACTERS = 200


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


class ChatTemplate:
    """A base's chat template.

    Args:
        given: Its text, or several by name.
        words: The tokens that it knows by name, such as `bos_token`.
        day: Today, as far as it is told.

    Raises:
        StepError: It is broken.
    """

    def __init__(self, given: str | Mapping[str, str], *, words: Mapping[str, str], day: datetime = DAY) -> None:
        named = {DEFAULT: given} if isinstance(given, str) else given
        self._sources = {name: named[name] for name in (DEFAULT, FOR_TOOLS) if name in named}
        self._templates = {name: _compiled(source, day) for name, source in self._sources.items()}
        self._words = dict(words)

    def render(self, prompt: Sequence[Message], answer: Message, *, tools: Sequence[dict[str, Any]] | None) -> Rendered:
        """Return the text of an example.

        Raises:
            TemplateRefuses: The chat template raises an error.
            PromptChanges: The text with the answer does not begin with the text without it.
        """
        whole = self._text([*prompt, answer], tools, is_asked=False)
        before = self.prompt(prompt, tools=tools)
        if not whole.startswith(before):
            raise PromptChanges
        return Rendered(before, whole[len(before) :])

    def prompt(self, messages: Sequence[Message], *, tools: Sequence[dict[str, Any]] | None) -> str:
        """Return the text that is to be answered. Raises TemplateRefuses."""
        return self._text(messages, tools, is_asked=True)

    def _text(self, messages: Sequence[Message], tools: Sequence[dict[str, Any]] | None, *, is_asked: bool) -> str:
        template = self._templates.get(FOR_TOOLS if tools and FOR_TOOLS in self._templates else DEFAULT)
        if template is None:
            raise TemplateRefuses("")
        try:
            return template.render(
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
        is_own = said and any(said in source for source in self._sources.values())
        return said[:_SAID_CHARACTERS] if is_own else ""


def _with_thinking(messages: Sequence[Message]) -> list[Message]:
    """Return messages with their reasoning under both names that templates read."""
    return [{"thinking": one["reasoning_content"], **one} if "reasoning_content" in one else one for one in messages]


def _compiled(source: str, day: datetime) -> Template:
    # transformers/utils/chat_template_utils.py of transformers 5.23, read 2026-11
    environment = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[_Generation, loopcontrols]
    )
    environment.filters["tojson"] = _tojson
    environment.globals["namespace"] = _Namespace
    environment.globals["raise_exception"] = _raise
    environment.globals["strftime_now"] = day.strftime
    try:
        return environment.from_string(source)
    except TemplateError as error:
        raise StepError(
            "The base's chat template is broken.", reason="broken_base", path=TEMPLATE, hint="Fetch the base again."
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
