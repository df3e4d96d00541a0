"""Does everything arrive that is not named as lost? Compares what was sent with what is read at the other end.

Two requests mean the same if they differ in notation only: which messages make up a turn, what ids of calls are called,
whether a value that asks for nothing is written.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator
from typing import NamedTuple, TypeVar

import msgspec

from hortus.canon.loss import IMPLIED, NEUTRAL, Loss
from hortus.canon.manifest import Vocabulary
from hortus.canon.nodes import Node, Seal
from hortus.canon.parts import Citation, Inline, Link, Media, Part, Plain, Reasoning, Text, ToolCall, ToolResult
from hortus.canon.request import HostTool, Message, ReasoningWish, Request
from hortus.canon.response import Choice, Response
from hortus.canon.usage import Usage
from proof_of_dialects import compact

N = TypeVar("N", bound=Node)

OWN = frozenset(("at", "extras"))
DEVELOPER = "role:developer>system"
SHOWING = frozenset(("mistral",))
"""Dialects whose models show what they think, unasked."""

NARROWED = "tool_choice>tools"
RANKS = {"Reasoning": 0, "Text": 1, "Media": 1, "Opaque": 1, "Refusal": 2, "ToolResult": 3, "ToolCall": 4}
ENVELOPE = frozenset(("Response.id", "Response.created_s", "EmbeddingsRequest.encoding"))
"""Not of what is said: id, time and spelling of vectors are made by Hortus where a client wants others."""

MADE = frozenset(("Response.model",))
"""Made by Hortus where the host says nothing: the route's name, for clients that want one."""

ANYWAY = frozenset((("mistral", "ReasoningWish.shows"),))
"""Dialect and field that its requests ask for without a word: thoughts are shown there whenever there are some."""

CALLS_APART = frozenset(("mistral", "cohere_v2"))
"""Dialects whose messages have a member for calls: whether words stand before or behind these is notation."""


class Turn(NamedTuple):
    """Neighbouring parts of one speaker."""

    role: str
    name: str | None
    parts: list[Part]


class Arrival:
    """One comparison: `faults` says what is neither carried nor named; the counts are of fields."""

    def __init__(
        self,
        losses: Iterable[Loss],
        *,
        vocabulary: Vocabulary | None = None,
        adaptations: Iterable[str] = (),
        target: str = "",
    ) -> None:
        losses = tuple(losses)
        self._lost = {loss.path for loss in losses}
        self._near = {loss.path for loss in losses if loss.weight == "tuning"}
        self._names = (vocabulary or Vocabulary()).names
        self._adaptations = tuple(adaptations)
        self._target = target
        self._sent_calls: dict[str, int] = {}
        self._got_calls: dict[str, int] = {}
        self.faults: list[str] = []
        self.carried = 0
        self.named = 0

    def of_requests(self, sent: Request, got: Request) -> None:
        """Compare two requests."""
        if NARROWED in self._adaptations:
            sent = _narrowed(sent)
        self._fields(*_settled(sent, got, shows=self._target in SHOWING), leave_out=frozenset(("messages",)))
        messages = [
            _readable(message, self._target) for message in sent.messages
        ]  # what is sealed for others is not theirs
        self._turns(list(self._turned(messages)), list(self._turned(got.messages, is_sent=False)))

    def of_responses(self, sent: Response, got: Response, *, has_failed: bool = False) -> None:
        """Compare two answers; of one that failed, only what was said before."""
        if not has_failed:
            self._fields(sent, got, leave_out=frozenset(("choices",)))
        kept = [choice for choice in sent.choices if not self._is_named(choice.at)]
        if len(kept) != len(got.choices):
            self.faults.append(f"{len(kept)} choices became {len(got.choices)}")
            return
        for one, other in zip(kept, got.choices, strict=True):
            self._choice(one, other)

    def of_nodes(self, sent: Node, got: Node) -> None:
        """Compare two nodes of any other kind."""
        self._fields(sent, got)

    def _choice(self, sent: Choice, got: Choice) -> None:
        self._fields(sent, got, leave_out=frozenset(("message",)))
        self._turns(list(self._turned([sent.message])), list(self._turned([got.message], is_sent=False)))

    # --- messages ---

    def _turned(self, messages: Iterable[Message], *, is_sent: bool = True) -> Iterator[Turn]:
        turn: Turn | None = None
        for message in messages:
            if is_sent and self._is_named(message.at):
                self.named += 1
                continue
            name = None if is_sent and self._is_named(self._path(message, "name")) else message.name
            role = "system" if message.role == "developer" and DEVELOPER in self._adaptations else message.role
            parts = [part for part in message.parts if not _is_empty(part) and not (is_sent and self._is_lost(part))]
            if turn is not None and (turn.role, turn.name) == (role, name):
                turn.parts.extend(parts)
            elif parts:
                if turn is not None:
                    yield turn
                turn = Turn(role, name, parts)
        if turn is not None:
            yield turn

    def _joined_words(self, parts: Iterable[Part], *, is_sent: bool) -> list[Part]:
        """Return what a model said with neighbouring words as one: into how many parts they are cut is notation."""
        found: list[Part] = []
        for part in parts:
            last = found[-1] if found else None
            if isinstance(part, Text | Reasoning) and type(last) is type(part) and not (last.seal or part.seal):
                ours = (self._unnamed(last), self._unnamed(part)) if is_sent else (last, part)
                found[-1] = _joined(*ours)
            else:
                found.append(part)
        return found

    def _unnamed(self, node: N) -> N:
        """Return a node without the fields that are named as lost."""
        changes: dict[str, object] = {}
        for one in msgspec.structs.fields(type(node)):
            if not one.required and one.name not in OWN and self._is_named(self._path(node, one.name)):
                changes[one.name] = one.default
                self.named += 1
        return msgspec.structs.replace(node, **changes)

    def _is_lost(self, part: Part) -> bool:
        is_lost = self._is_gone(part)
        self.named += is_lost
        return is_lost

    def _is_gone(self, node: Node) -> bool:
        if isinstance(node, Media) and _is_text(node) and self._path(node, "source") in self._near:
            return False  # written as words
        return self._is_named(node.at) or self._is_media_lost(node)

    def _is_media_lost(self, node: Node) -> bool:
        """Tell whether a file cannot be given to the target at all; one of plain text is written as words instead."""
        is_file = isinstance(node, Media) and not isinstance(node.source, Plain)
        return is_file and self._is_named(self._path(node, "source"))

    def _turns(self, sent: list[Turn], got: list[Turn]) -> None:
        if [turn[:2] for turn in sent] != [turn[:2] for turn in got]:
            self.faults.append(f"turns {[turn[:2] for turn in sent]} became {[turn[:2] for turn in got]}")
            return
        for one, other in zip(sent, got, strict=True):
            ones, others = self._ordered(one, is_sent=True), self._ordered(other, is_sent=False)
            if len(ones) != len(others):
                kinds = [type(part).__name__ for part in ones], [type(part).__name__ for part in others]
                self.faults.append(f"parts {kinds[0]} became {kinds[1]}")
                continue
            for part, arrived in zip(ones, others, strict=True):
                self._fields(part, arrived)

    def _ordered(self, turn: Turn, *, is_sent: bool) -> list[Part]:
        if turn.role != "assistant":
            return turn.parts
        parts = turn.parts
        if self._target == "openai_chat":
            parts = sorted(parts, key=lambda part: RANKS[type(part).__name__])
        elif self._target in CALLS_APART:
            parts = sorted(parts, key=lambda part: isinstance(part, ToolCall))
        return self._joined_words(parts, is_sent=is_sent)

    # --- fields ---

    def _fields(self, sent: Node, got: Node, *, leave_out: frozenset[str] = frozenset()) -> None:
        kind = type(sent).__name__
        if type(got) is not type(sent):
            if self._has_losses(sent):  # written as something near, and named
                self.named += 1
            else:
                self.faults.append(f"{sent.at}: {kind} became {type(got).__name__}")
            return
        self._extras(sent, got)
        if isinstance(sent, Reasoning) and isinstance(got, Reasoning):
            sent, got = _thinking(sent), _thinking(got)
        for one in msgspec.structs.fields(type(sent)):
            field = f"{kind}.{one.name}"
            if one.name in OWN | leave_out or field in ENVELOPE or (field in IMPLIED and not one.name.endswith("id")):
                continue
            values = getattr(sent, one.name), getattr(got, one.name)
            if field == "Media.kind" and isinstance(sent, Media) and isinstance(sent.source, Inline | Link):
                values = (_kind_of(sent, values[0]), _kind_of(sent, values[1]))
            if self._is_named(self._path(sent, one.name)):
                self.named += 1
            elif self._says_nothing(field, values[0], default=one.default):
                is_made = field in MADE or (self._target, field) in ANYWAY or self._is_excused(sent)
                if not self._says_nothing(field, values[1], default=one.default) and not is_made:
                    self.faults.append(f"{field} was invented: {values[1]!r}")
            else:
                self._values(sent, one.name, values=values)

    def _values(self, sent: Node, name: str, *, values: tuple[object, object]) -> None:
        one, other = values
        if isinstance(one, Node) and isinstance(other, Node):
            if not self._is_named(one.at):
                self._fields(one, other)
        elif isinstance(one, tuple) and one and isinstance(one[0], Node):
            self._children(sent, name, kept=[child for child in one if not self._is_gone(child)], got=other)
        elif self._is_carried(sent, name, one=one, other=other):
            self.carried += 1
        else:
            self.faults.append(
                f"{self._path(sent, name)} ({type(sent).__name__}): {_shown(one)} became {_shown(other)}"
            )

    def _is_carried(self, sent: Node, name: str, *, one: object, other: object) -> bool:
        if other is None and isinstance(one, Node):
            return self._asks_nothing_more(one)
        return self._is_left_out(sent, name) or self._are_equal(sent, name, one=one, other=other)

    def _asks_nothing_more(self, node: Node) -> bool:
        """Tell whether everything in a node that asks for something is named."""
        return all(
            self._is_named(self._path(node, name)) or self._is_left_out(node, name) for name in _asking_fields(node)
        )

    def _is_left_out(self, node: Node, name: str) -> bool:
        """Tell whether a field is carried by leaving it out, as a named adaptation."""
        return bool({f"-{self._path(node, name)}", f"-{name}"} & set(self._adaptations))

    def _children(self, sent: Node, name: str, *, kept: list[Node], got: object) -> None:
        assert isinstance(got, tuple)
        kept, got = _notable(kept), _notable(got)
        if _is_listed(kept, got):
            self.carried += 1
            return
        if len(kept) != len(got):
            self.faults.append(f"{self._path(sent, name)}: {len(kept)} became {len(got)}")
            return
        for child, arrived in zip(kept, got, strict=True):
            self._fields(child, arrived)

    def _are_equal(self, node: Node, name: str, *, one: object, other: object) -> bool:
        if isinstance(one, msgspec.Raw) and isinstance(other, msgspec.Raw):
            return compact(one) == compact(other)
        is_id = (isinstance(node, ToolCall) and name == "id") or (isinstance(node, ToolResult) and name == "call_id")
        if is_id and isinstance(one, str) and isinstance(other, str):
            first = self._sent_calls.setdefault(one, len(self._sent_calls))
            return first == self._got_calls.setdefault(other, len(self._got_calls))
        if isinstance(node, ToolCall) and name == "arguments":
            return one == other or _spelling(one) == _spelling(other)
        if isinstance(one, Usage) and isinstance(other, Usage):
            return _counts_of(one, other) == _counts_of(other, one)
        if isinstance(one, Link) and one.url.startswith("data:") and isinstance(other, Inline):
            return one.url.endswith(other.data)
        if isinstance(one, Link) and isinstance(other, Link):
            return one.url == other.url  # the type of what lies there is said there
        if isinstance(one, Plain | Inline) and isinstance(other, Plain | Inline):
            return _text_of(one) == _text_of(other)
        if isinstance(one, msgspec.Struct) and not isinstance(one, Node) and type(one) is type(other):
            names = one.__struct_fields__
            pairs = {part: (getattr(one, part), getattr(other, part)) for part in names}
            path = self._path(node, name)
            return all(a == b for part, (a, b) in pairs.items() if not self._is_named(f"{path}.{part}"))
        return one == other

    def _extras(self, sent: Node, got: Node) -> None:
        if sent.extras is None:
            return
        members = {name: raw for name, raw in sent.extras.members.items() if bytes(raw) != b"null"}
        there = got.extras.members if got.extras is not None and sent.extras.dialect == self._target else {}
        for name, raw in members.items():
            path = self._joined(sent.at, name)
            if self._is_named(path):
                self.named += 1
            elif name in there and compact(raw) == compact(there[name]):
                self.carried += 1
            else:
                self.faults.append(f"{path} is neither carried nor named")

    # --- paths ---

    def _path(self, node: Node, name: str) -> str:
        called = self._names.get(f"{type(node).__name__}.{name}", name)
        return called[1:] if called.startswith("/") else self._joined(node.at, called)

    @staticmethod
    def _joined(at: str, name: str) -> str:
        return f"{at}.{name}" if at and name and not name.startswith("[") else at + name

    def _is_named(self, path: str) -> bool:
        if path in self._lost:
            return True
        return any(path.startswith((f"{lost}.", f"{lost}[")) for lost in self._lost if lost)

    def _is_excused(self, node: Node) -> bool:
        """Tell whether something may stand at a node that was not sent: a named adaptation, or an approximation."""
        if self._has_losses(node):
            return True
        if isinstance(node, ToolResult | Citation):
            return True  # the name of its function; a title and a stretch where the target demands them
        if isinstance(node, Part) and not isinstance(node, Media):
            return False
        return any(name.startswith("+") for name in self._adaptations)

    def _has_losses(self, node: Node) -> bool:
        return any(self._is_named(self._path(node, name)) for name in node.__struct_fields__)

    def _says_nothing(self, field: str, value: object, *, default: object) -> bool:
        if isinstance(value, tuple) and value and isinstance(value[0], Node):
            return not _notable(value)
        return self.is_nothing(field, value, default) or (default is msgspec.NODEFAULT and value == ())

    @staticmethod
    def is_nothing(field: str, value: object, default: object) -> bool:
        """Tell whether a field's value asks for what is done anyway."""
        if isinstance(value, Node):
            return _asks_nothing(value)
        if isinstance(value, Usage):
            return value == Usage()  # where a dialect demands counts that the host did not give
        return value == default or value is None or value in NEUTRAL.get(field, ())


def _notable(nodes: Iterable[Node]) -> list[Node]:
    """Return nodes without empty texts and with the tools of the host last: where these stand is notation."""
    said = [node for node in nodes if not _is_empty(node)]
    return sorted(said, key=lambda node: isinstance(node, HostTool))


def _is_listed(sent: list[Node], got: list[Node]) -> bool:
    """Tell whether several texts of a tool's result arrived as the one list that Gemini has for them."""
    texts = [node.text for node in sent if isinstance(node, Text)]
    arrived = got[0] if len(got) == 1 < len(sent) == len(texts) else None
    return isinstance(arrived, Text) and msgspec.json.decode(arrived.text) == {"output": texts}


def _thinking(part: Reasoning) -> Reasoning:
    """Return thoughts in one piece: into how many they are cut, and whether these are a summary, is notation."""
    thought = "".join((*part.texts, *part.summary)).replace("\n", "")
    return msgspec.structs.replace(part, texts=(thought,) if thought else (), summary=())


def _is_text(media: Media) -> bool:
    source = media.source
    return isinstance(source, Plain) or (isinstance(source, Inline) and source.media_type.startswith("text/"))


def _kind_of(media: Media, kind: object) -> object:
    """Return what a file is: a document may be one of sound, where its bytes or its address say so."""
    return "document" if media.kind == "document" or isinstance(media.source, Inline) else kind


def _spelling(text: object) -> bytes | None:
    """Return the JSON in a text without the white space between its tokens, None where it is no JSON."""
    assert isinstance(text, str)
    try:
        return compact(text.encode())
    except msgspec.DecodeError:
        return None


def _counts_of(usage: Usage, other: Usage) -> tuple[int, ...]:
    """Return the counts that every dialect has, and those that both sides give."""
    parts = ((usage.reasoning_tokens, other.reasoning_tokens), (usage.cache_write_tokens, other.cache_write_tokens))
    shared = (count if count and there else 0 for count, there in parts)
    return (usage.input_tokens, usage.output_tokens, usage.cached_input_tokens, *shared)


def _joined(first: Part, second: Part) -> Part:
    if isinstance(first, Reasoning) and isinstance(second, Reasoning):
        texts, summary = first.texts + second.texts, first.summary + second.summary
        return msgspec.structs.replace(first, texts=texts, summary=summary)
    assert isinstance(first, Text)
    assert isinstance(second, Text)
    citations = first.citations + second.citations
    return msgspec.structs.replace(first, text=first.text + second.text, citations=citations, extras=None)


def _text_of(source: Plain | Inline) -> object:
    """Return what a document says, however its text is given."""
    if isinstance(source, Plain):
        return base64.b64encode(source.text.encode()).decode(), "text/plain"
    return source.data, source.media_type


def _shown(value: object) -> str:
    return bytes(value).decode() if isinstance(value, msgspec.Raw) else repr(value)[:300]


def _settled(sent: Request, got: Request, *, shows: bool) -> tuple[Request, Request]:
    """Return two requests in which no reasoning is said in one way, and that there be some only if one says it not."""
    wishes = [_no_reasoning(request.reasoning) for request in (sent, got)]
    if wishes[0] is not None and wishes[1] is not None and _is_on(wishes[0]) and _is_on(wishes[1]):
        wishes[1] = msgspec.structs.replace(wishes[1], is_on=wishes[0].is_on)
    if shows and wishes[1] is not None and (wishes[0] is None or wishes[0].shows in {None, "none"}):
        wishes[1] = msgspec.structs.replace(wishes[1], shows=None)
    pairs = zip((sent, got), wishes, strict=True)
    first, second = (msgspec.structs.replace(request, reasoning=wish) for request, wish in pairs)
    return first, second


def _narrowed(request: Request) -> Request:
    """Return a request that offers only the tools of its choice, for dialects that cannot name them."""
    choice = request.tool_choice
    assert choice is not None
    tools = tuple(tool for tool in request.tools if isinstance(tool, HostTool) or tool.name in choice.names)
    return msgspec.structs.replace(request, tools=tools, tool_choice=msgspec.structs.replace(choice, names=()))


def _no_reasoning(wish: ReasoningWish | None) -> ReasoningWish | None:
    if wish is None or not (wish.effort == "none" or wish.budget_tokens == 0):
        return wish
    return msgspec.structs.replace(wish, is_on=False, effort=None, budget_tokens=None)


def _is_on(wish: ReasoningWish) -> bool:
    return wish.is_on is True or wish.effort is not None or wish.budget_tokens is not None


def _is_empty(node: Node) -> bool:
    if isinstance(node, Reasoning):
        return not (node.texts or node.summary or node.seal)
    return isinstance(node, Text) and not node.text


def _asks_nothing(node: Node) -> bool:
    return not any(_asking_fields(node))


def _asking_fields(node: Node) -> Iterator[str]:
    for one in msgspec.structs.fields(type(node)):
        field = f"{type(node).__name__}.{one.name}"
        if one.name not in OWN and not Arrival.is_nothing(field, getattr(node, one.name), one.default):
            yield one.name


def readable(response: Response, dialect: str) -> Response:
    """Return an answer without the seals that a client of `dialect` cannot be given: the gateway keeps these."""
    choices = tuple(
        msgspec.structs.replace(choice, message=_readable(choice.message, dialect)) for choice in response.choices
    )
    return msgspec.structs.replace(response, choices=choices)


def _readable(message: Message, dialect: str) -> Message:
    return msgspec.structs.replace(message, parts=tuple(_readable_parts(message.parts, dialect)))


def _readable_parts(parts: Iterable[Part], dialect: str) -> Iterator[Part]:
    for part in parts:
        seal: Seal | None = getattr(part, "seal", None)
        if seal is None or seal.dialect == dialect or _is_in_band(part, seal, dialect):
            yield part
        elif not isinstance(part, Reasoning):
            yield msgspec.structs.replace(part, seal=None)
        elif part.texts or part.summary:
            yield msgspec.structs.replace(part, seal=None, is_redacted=False)


def _is_in_band(part: Part, seal: Seal, dialect: str) -> bool:
    return dialect == "openai_chat" and isinstance(part, ToolCall) and seal.dialect == "gemini"
