"""What do all examples together say? One pass in bounded memory: some tens of bytes an example are kept, no texts."""

from __future__ import annotations

import hashlib
from array import array
from collections import Counter
from collections.abc import Iterable

import msgspec

from hortus.jobs.examples import Example, Source
from hortus.tuning.datasets.counting import Counted, text_of
from hortus.tuning.datasets.figures import LINES_NAMED, PersonalData, PersonalFinding
from hortus.tuning.datasets.formats import Draft
from hortus.tuning.datasets.labels import Labels
from hortus.tuning.datasets.languages import language_of
from hortus.tuning.datasets.likeness import Likeness
from hortus.tuning.datasets.problems import Problems
from hortus.tuning.datasets.splitting import Groups

_canonical = msgspec.json.Encoder(order="sorted").encode


def id_of(draft: Draft) -> str:
    """Return the SHA-256 of what an example says: the same however its line is spelled."""
    said = [draft.prompt, draft.answer, draft.rejected, draft.tools]
    return hashlib.sha256(_canonical(said)).hexdigest()


def example_of(draft: Draft, *, line: int, tokens: int, source: Source) -> Example:
    """Return a draft as it is kept."""
    return Example(
        id=id_of(draft),
        line=line,
        prompt=draft.prompt,
        answer=draft.answer,
        rejected=draft.rejected,
        tools=draft.tools,
        tokens=tokens,
        source=source,
    )


class Survey:
    """Takes the examples of both files, the training file first.

    Args:
        problems: Where problems go.
        recognise: Finds personal data.
    """

    def __init__(self, problems: Problems, recognise: PersonalData) -> None:
        self._problems = problems
        self._recognise = recognise
        self._content = hashlib.sha256()
        self._ids: dict[bytes, int] = {}
        self._first_lines = array("q")
        self._first_sources = bytearray()
        self._first_answers: list[bytes] = []
        self._likeness = Likeness()
        self._last: tuple[int, int] | None = None
        self._personal: dict[str, tuple[Counter[str], list[int]]] = {}
        self.groups = Groups()
        self.prompts = array("q")
        """The number of each example's prompt."""
        self.tokens = array("q")
        self.sources = bytearray()
        """0: to learn, 1: of the held-out file."""
        self.near: dict[int, int] = {}
        """Prompts that are nearly the same as an earlier one, by number."""
        self.labels = Labels()
        self.languages: Counter[str] = Counter()
        self.answer_tokens = 0
        self.answers: set[bytes] = set()
        """Digests of the first two answers that differ."""
        self.duplicates = 0
        self.compared = 0

    @property
    def content(self) -> str:
        """SHA-256 of what all examples say, in their order, with their lines."""
        return self._content.hexdigest()

    def take(self, examples: Iterable[Counted], source: Source) -> None:
        """Take a file's examples."""
        for one in examples:
            self._take(one, source)

    def personal_data(self) -> dict[str, PersonalFinding]:
        """Return what was found of personal data, by kind."""
        return {
            kind: PersonalFinding(count["values"], count["lines"], tuple(lines))
            for kind, (count, lines) in sorted(self._personal.items())
        }

    def first_line(self, prompt: int) -> int:
        """Return the line in which a prompt came first."""
        return self._first_lines[prompt]

    def keys(self) -> list[bytes]:
        """Return the group of each example."""
        return [self.groups.key(number) for number in self.prompts]

    def _take(self, one: Counted, source: Source) -> None:
        identity = bytes.fromhex(id_of(one.draft))
        self._content.update(_canonical([source, one.line]) + identity)
        self.tokens.append(one.tokens)
        self.answer_tokens += one.answer_tokens
        self.sources.append(source == "validation")
        self.labels.add(one.draft.answer)
        answer = hashlib.blake2b(_canonical(one.draft.answer), digest_size=8).digest()
        if len(self.answers) < 2:  # noqa: PLR2004 -- whether all are the same
            self.answers.add(answer)
        self._take_prompt(one, source, answer=answer, is_new=self._is_new(one, source, identity))
        if one.is_last:
            self._take_line(one.draft, one.line, source)

    def _is_new(self, one: Counted, source: Source, identity: bytes) -> bool:
        place = one.line if source == "training" else -one.line
        earlier = self._ids.setdefault(identity[:16], place)
        if earlier == place:
            return True
        self.duplicates += 1
        if earlier * place > 0:  # in the other file: its prompt leaked, which is noted
            self._problems.add("doubled_example", source, line=one.line, path=one.draft.at, other=abs(earlier))
        return False

    def _take_prompt(self, one: Counted, source: Source, *, answer: bytes, is_new: bool) -> None:
        said = _canonical(one.draft.prompt or one.draft.answer)
        number, is_new_prompt = self.groups.number(hashlib.blake2b(said, digest_size=16).digest())
        self.prompts.append(number)
        if is_new_prompt:
            self._first_lines.append(one.line)
            self._first_sources.append(source == "validation")
            self._first_answers.append(answer)
            self._compare(number, one.draft)
        elif code := self._trouble(number, one, source, answer=answer if is_new else None):
            other = self._first_lines[number]
            self._problems.add(code, source, line=one.line, path=one.draft.at, other=other)
        if self._last is not None and self._last[0] == one.line:
            self.groups.join(self._last[1], number)
        self._last = None if one.is_last else (one.line, number)

    def _trouble(self, number: int, one: Counted, source: Source, *, answer: bytes | None) -> str | None:
        """Return what is wrong with a prompt that came before; `answer` is None where that was the same."""
        if source == "validation" and not self._first_sources[number]:
            return "leaked_prompt"
        is_pair = one.draft.rejected is not None
        return None if answer in {None, self._first_answers[number]} or is_pair else "contradiction"

    def _compare(self, number: int, draft: Draft) -> None:
        if self._likeness.is_full:
            return
        self.compared += 1
        spoken = draft.prompt or [draft.answer]
        text = "\n".join(text_of(message) for message in spoken if message["role"] != "system")
        earlier = self._likeness.add(number, text)
        if earlier is not None:
            self.near[number] = earlier

    def _take_line(self, draft: Draft, line: int, source: Source) -> None:
        """Look at all that a line says, once."""
        messages = [*draft.prompt, draft.answer, *([draft.rejected] if draft.rejected is not None else [])]
        spoken = [text_of(one) for one in draft.prompt if one["role"] == "user"] or [text_of(draft.answer)]
        self.languages[language_of(spoken[-1])] += 1
        for kind, count in self._recognise.kinds_in("\n".join(map(text_of, messages))).items():
            counts, lines = self._personal.setdefault(kind, (Counter(), []))
            counts.update(values=count, lines=1)
            if source == "training" and len(lines) < LINES_NAMED:
                lines.append(line)
