"""What was found wrong, where: the first so many are listed, all are counted. Never what an example says."""

from __future__ import annotations

import re
from collections import Counter

import msgspec

from hortus.jobs.examples import Source
from hortus.tuning.datasets.rules import RULES, Severity

MOST_LISTED = 1000

_PLAIN_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,39}")


class Problem(msgspec.Struct, frozen=True, omit_defaults=True):
    """One thing that is wrong.

    Attributes:
        code: A row of `rules.RULES`.
        line: Counted from 1; None where it is about the whole file.
        path: Of the value within the line, such as `$.messages[1].role`.
        file: Which of the two.
    """

    code: str
    severity: Severity
    message: str
    hint: str
    line: int | None = None
    path: str | None = None
    file: Source = "training"

    @property
    def place(self) -> str:
        """Where it is, for people."""
        where = f"{'training' if self.file == 'training' else 'held-out'} file"
        parts = (where, f"line {self.line}" if self.line is not None else None, self.path)
        return ", ".join(one for one in parts if one is not None)


class Problems:
    """Gathers them for both files.

    Args:
        most: Listed of errors and of warnings each; the rest are only counted.
    """

    def __init__(self, most: int = MOST_LISTED) -> None:
        self._most = most
        self._listed: dict[Severity, list[Problem]] = {"error": [], "warning": []}
        self.counts: Counter[str] = Counter()

    def add(
        self,
        code: str,
        file: Source,
        *,
        line: int | None = None,
        path: str | None = None,
        **figures: object,
    ) -> None:
        """Note one; `figures` fill the gaps of its sentences."""
        rule = RULES[code]
        self.counts[code] += 1
        listed = self._listed[rule.severity]
        if len(listed) < self._most:
            message, hint = rule.says.format(**figures), rule.hint.format(**figures)
            listed.append(Problem(code, rule.severity, message, hint, line, path, file))

    @property
    def errors(self) -> list[Problem]:
        """Those that refuse the file and are listed."""
        return self._listed["error"]

    @property
    def warnings(self) -> list[Problem]:
        """Those that do not."""
        return self._listed["warning"]

    def count(self, severity: Severity) -> int:
        """Return how many there are, listed or not."""
        return sum(number for code, number in self.counts.items() if RULES[code].severity == severity)


class Flaws:
    """The problems of one line.

    Args:
        problems: Where they go.
        file: Whose line it is.
        line: Counted from 1.
    """

    def __init__(self, problems: Problems, file: Source, *, line: int) -> None:
        self._problems = problems
        self._file: Source = file
        self.line = line
        self.is_refused = False

    def add(self, code: str, path: str | None = None, **figures: object) -> None:
        """Note one."""
        self.is_refused = self.is_refused or RULES[code].severity == "error"
        self._problems.add(code, self._file, line=self.line, path=path, **figures)


def member(path: str, name: str) -> str:
    """Return the path of a member; a name that is not plain might be content and is not shown."""
    return f"{path}.{name}" if _PLAIN_NAME.fullmatch(name) else f"{path}.*"


def kind_of(value: object) -> str:
    """Return what a JSON value is, in words."""
    match value:
        case None:
            return "null"
        case bool():
            return "true or false"
        case int() | float():
            return "a number"
        case str():
            return "a string"
        case list():
            return "a list"
        case _:
            return "an object"
