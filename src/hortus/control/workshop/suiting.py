"""Admin operations on suites: questions with their answers, in which no new model may get worse."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

from hortus.control.errors import Invalid, NotFound
from hortus.control.models import Nothing
from hortus.control.operation import Brought
from hortus.control.plane import Plane
from hortus.control.workshop import forms, shown
from hortus.control.workshop.filing import note
from hortus.evals.suitefiles import check_suite, say_problems

_SUFFIX = ".jsonl"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


def list_suites(plane: Plane, _ask: Nothing) -> shown.SuiteList:
    """Return the suites, by name."""
    found = sorted(plane.installation.workshop.suites.glob(f"[!.]*{_SUFFIX}"))
    return shown.SuiteList(suites=[_show(path) for path in found])


def add_suite(plane: Plane, ask: forms.OneSuite, brought: Brought) -> shown.SuiteView:
    """Keep a suite, whose JSON Lines are the body of the request; one of that name is replaced."""
    _, problems = check_suite(brought.aside.read_bytes())
    if problems:
        where = f"line {problems[0].line}, {problems[0].path}"
        raise Invalid(say_problems(ask.name, problems), path=where, hint="Mend these lines and bring it again.")
    path = _path(plane, ask.name)
    brought.aside.replace(path)
    suite = _show(path)
    note(plane, "create", kind="suite", name=ask.name, project=None, said=suite.model_dump())
    return suite


def remove_suite(plane: Plane, ask: forms.OneSuite) -> shown.SuiteView:
    """Remove a suite; jobs that have not been judged yet and name it will fail."""
    path = _path(plane, ask.name)
    if not path.exists():
        raise NotFound(f"There is no suite `{ask.name}`.", path="name", hint="`hortus suites` lists them.")
    suite = _show(path)
    path.unlink()
    note(plane, "remove", kind="suite", name=ask.name, project=None, said=suite.model_dump())
    return suite


def _path(plane: Plane, name: str) -> Path:
    if not _NAME.fullmatch(name):
        raise Invalid("This is no name.", path="name", hint="Letters, digits and . _ -, beginning with one of those.")
    return plane.installation.workshop.suites / f"{name}{_SUFFIX}"


def _show(path: Path) -> shown.SuiteView:
    content = path.read_bytes()
    items, _ = check_suite(content)
    return shown.SuiteView(name=path.stem, items=len(items), sha256=hashlib.sha256(content).hexdigest())
