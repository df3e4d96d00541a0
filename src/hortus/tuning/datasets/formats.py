"""Which formats may a file have, how is one told from its line, and what is learnt from it? A table."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any

import msgspec

from hortus.jobs.examples import Message
from hortus.jobs.spec import Method
from hortus.tuning.datasets.calls import Calls, read_tools
from hortus.tuning.datasets.messages import Reader
from hortus.tuning.datasets.problems import Flaws
from hortus.tuning.datasets.shapes import check_answer_text, check_members, check_text, wanted

MOST_ANSWERS = 100
"""Of one chat: each gives an example that has all the messages before it."""


class Draft(msgspec.Struct, frozen=True):
    """An example that its line gives; as `jobs.examples.Example`, before anything is counted.

    Attributes:
        at: Path of its answer in the line.
        prompt_at: Path of a message of its prompt, `{}` for the message's number.
    """

    prompt: list[Message]
    answer: Message
    rejected: Message | None = None
    tools: list[dict[str, Any]] | None = None
    at: str = "$"
    prompt_at: str = "$"


class Line(msgspec.Struct, frozen=True):
    """The object on a line, and where its problems go."""

    value: dict[str, Any]
    flaws: Flaws
    reads_media: bool

    def reader(self) -> tuple[Reader, list[dict[str, Any]] | None]:
        """Return a reader of messages that knows the line's tools, and these."""
        tools, names = self._tools
        return Reader(self.flaws, calls=Calls(self.flaws, names), reads_media=self.reads_media), tools

    @property
    def _tools(self) -> tuple[list[dict[str, Any]] | None, frozenset[str] | None]:
        return read_tools(self.value.get("tools"), self.flaws, path="$.tools")

    def check(self, *known: str) -> None:
        """Note members that are not known."""
        check_members(self.value, known, path="$", flaws=self.flaws)

    def misses(self, *names: str) -> bool:
        """Note members that are missing; tell whether one is."""
        missing = [name for name in names if name not in self.value]
        for name in missing:
            self.flaws.add("missing_member", "$", name=name)
        return bool(missing)


class Format(msgspec.Struct, frozen=True):
    """A form that files may have.

    Attributes:
        says: What it is called.
        marks: Members of which one at least is in each line, and in no line of the formats before it.
        methods: Of training, that learn from it.
        read: A line to the examples that it gives.
    """

    says: str
    marks: frozenset[str]
    methods: frozenset[Method]
    read: Callable[[Line], Iterator[Draft]]


def _read_chat(line: Line) -> Iterator[Draft]:
    line.check("messages", "tools", "parallel_tool_calls")
    if "parallel_tool_calls" in line.value:
        wanted(line.value["parallel_tool_calls"], bool, path="$.parallel_tool_calls", flaws=line.flaws)
    reader, tools = line.reader()
    read = reader.read(line.value["messages"], path="$.messages")
    messages = read.messages
    if not read.is_whole:
        return
    if messages[-1]["role"] != "assistant":
        line.flaws.add("answer_not_last", f"$.messages[{len(messages) - 1}].role")
        return
    answers = [number for number, one in enumerate(messages) if one["role"] == "assistant"]
    learnt = [number for number in answers if read.weights[number]]
    if answers and not learnt:
        line.flaws.add("nothing_to_learn", "$.messages")
    if len(learnt) > MOST_ANSWERS:
        line.flaws.add("too_many_answers", "$.messages", count=len(learnt), most=MOST_ANSWERS)
        return
    for number in learnt:
        draft = Draft(
            messages[:number], messages[number], tools=tools, at=f"$.messages[{number}]", prompt_at="$.messages[{}]"
        )
        _check_draft(draft, line.flaws)
        yield draft


def _check_draft(draft: Draft, flaws: Flaws) -> None:
    if not any(one["role"] == "user" for one in draft.prompt):
        flaws.add("no_question", draft.at)
    said = draft.answer.get("content")
    if said and draft.prompt and draft.prompt[-1].get("content") == said:
        flaws.add("answer_is_prompt", draft.at)


def _messages_at(path: str, value: object) -> str:
    return path if isinstance(value, str) else f"{path}[{{}}]"


def _prompt_of(line: Line, reader: Reader, *, path: str, value: object) -> list[Message] | None:
    """Return the messages of a prompt that is a text or messages."""
    if isinstance(value, str):
        check_text(value, path=path, flaws=line.flaws)
        return [{"role": "user", "content": value}]
    read = reader.read(value, path=path)
    if not read.is_whole:
        return None
    if read.messages[-1]["role"] == "assistant":
        line.flaws.add("one_answer_wanted", f"{path}[{len(read.messages) - 1}].role")
    return read.messages


def _answer_of(line: Line, reader: Reader, *, path: str, value: object) -> Message | None:
    """Return the assistant's message that is a text or the only message of a list."""
    if isinstance(value, str):
        check_answer_text(value, path=path, flaws=line.flaws)
        return {"role": "assistant", "content": value}
    read = reader.read(value, path=path)
    if not read.is_whole:
        return None
    if len(read.messages) != 1 or read.messages[0]["role"] != "assistant":
        line.flaws.add("one_answer_wanted", path)
        return None
    return read.messages[0]


def _read_prompt_completion(line: Line) -> Iterator[Draft]:
    line.check("prompt", "completion", "tools")
    if line.misses("prompt", "completion"):
        return
    reader, tools = line.reader()
    prompt = _prompt_of(line, reader, path="$.prompt", value=line.value["prompt"])
    answer = _answer_of(line, reader, path="$.completion", value=line.value["completion"])
    if prompt is not None and answer is not None:
        draft = Draft(
            prompt, answer, tools=tools, at="$.completion", prompt_at=_messages_at("$.prompt", line.value["prompt"])
        )
        _check_draft(draft, line.flaws)
        yield draft


def _read_openai_preference(line: Line) -> Iterator[Draft]:
    line.check("input", "preferred_output", "non_preferred_output")
    if "non_preferred_output" not in line.value:
        line.flaws.add("rejected_missing", "$")
        return
    if line.misses("input", "preferred_output"):
        return
    given = wanted(line.value["input"], dict, path="$.input", flaws=line.flaws)
    if given is None:
        return
    check_members(given, ("messages", "tools", "parallel_tool_calls"), path="$.input", flaws=line.flaws)
    tools, names = read_tools(given.get("tools"), line.flaws, path="$.input.tools")
    reader = Reader(line.flaws, calls=Calls(line.flaws, names), reads_media=line.reads_media)
    if "messages" not in given:
        line.flaws.add("missing_member", "$.input", name="messages")
        return
    prompt = _prompt_of(line, reader, path="$.input.messages", value=given["messages"])
    chosen = _answer_of(line, reader, path="$.preferred_output", value=line.value["preferred_output"])
    rejected = _answer_of(line, reader, path="$.non_preferred_output", value=line.value["non_preferred_output"])
    if prompt is not None and chosen is not None and rejected is not None:
        yield from _pair(
            line, Draft(prompt, chosen, rejected, tools, at="$.preferred_output", prompt_at="$.input.messages[{}]")
        )


def _read_preference(line: Line) -> Iterator[Draft]:
    line.check("prompt", "chosen", "rejected", "tools")
    if "rejected" not in line.value:
        line.flaws.add("rejected_missing", "$")
        return
    if line.misses("chosen"):
        return
    value = line.value if "prompt" in line.value else _with_prompt(line)
    if value is None:
        return
    reader, tools = line.reader()
    prompt = _prompt_of(line, reader, path="$.prompt", value=value["prompt"])
    chosen = _answer_of(line, reader, path="$.chosen", value=value["chosen"])
    rejected = _answer_of(line, reader, path="$.rejected", value=value["rejected"])
    if prompt is not None and chosen is not None and rejected is not None:
        at = _messages_at("$.prompt", value["prompt"]) if value is line.value else "$.chosen[{}]"
        yield from _pair(line, Draft(prompt, chosen, rejected, tools, at="$.chosen", prompt_at=at))


def _with_prompt(line: Line) -> dict[str, Any] | None:
    """Return a pair of whole conversations, as Hugging Face has them too, with what both begin with as the prompt."""
    chosen, rejected = line.value["chosen"], line.value["rejected"]
    if not (isinstance(chosen, list) and isinstance(rejected, list)):
        line.flaws.add("missing_member", "$", name="prompt")
        return None
    if len(chosen) < 2 or chosen[:-1] != rejected[:-1]:  # noqa: PLR2004 -- a question and its answer
        line.flaws.add("prompts_differ", "$")
        return None
    return {"prompt": chosen[:-1], "chosen": chosen[-1:], "rejected": rejected[-1:]}


def _pair(line: Line, draft: Draft) -> Iterator[Draft]:
    _check_draft(draft, line.flaws)
    if draft.answer == draft.rejected:
        line.flaws.add("same_answers", draft.at)
    yield draft


def _read_text(line: Line) -> Iterator[Draft]:
    line.check("text")
    text = wanted(line.value["text"], str, path="$.text", flaws=line.flaws)
    if text is not None:
        check_text(text, path="$.text", flaws=line.flaws)
        yield Draft([], {"role": "assistant", "content": text}, at="$.text")


_ANSWERS: frozenset[Method] = frozenset(("supervised", "scratch"))
_PAIRS: frozenset[Method] = frozenset(("dpo",))

FORMATS: Mapping[str, Format] = MappingProxyType(
    {
        "chat": Format("chats (`messages`)", frozenset(("messages",)), _ANSWERS, _read_chat),
        "openai_preference": Format(
            "preferences of OpenAI's form (`input`, `preferred_output`, `non_preferred_output`)",
            frozenset(("input", "preferred_output", "non_preferred_output")),
            _PAIRS,
            _read_openai_preference,
        ),
        "preference": Format(
            "preferences (`prompt`, `chosen`, `rejected`)",
            frozenset(("chosen", "rejected")),
            _PAIRS,
            _read_preference,
        ),
        "prompt_completion": Format(
            "prompts with completions (`prompt`, `completion`)",
            frozenset(("prompt", "completion")),
            _ANSWERS,
            _read_prompt_completion,
        ),
        "text": Format("plain text (`text`)", frozenset(("text",)), frozenset(("scratch",)), _read_text),
    }
)
"""In the order in which they are tried."""


def format_of(value: dict[str, Any]) -> str | None:
    """Return the format of a line's object, None where it has no known one."""
    return next((name for name, one in FORMATS.items() if one.marks & value.keys()), None)


def fitting(method: Method) -> str:
    """Return what a method learns from, in words."""
    return "; ".join(one.says for one in FORMATS.values() if method in one.methods)


def drafts_of(line: Line, format_name: str) -> list[Draft]:
    """Return the examples that a line gives, without counting them; none where it is refused."""
    drafts = list(FORMATS[format_name].read(line))
    return [] if line.flaws.is_refused else drafts
