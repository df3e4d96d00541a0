"""Admin operations on bases: what can be tuned here, and bringing further models."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from hortus.access.acts import acting
from hortus.control.errors import Conflict, Invalid
from hortus.control.models import Nothing
from hortus.control.plane import Plane
from hortus.control.workshop import forms, shown
from hortus.control.workshop.bases import SCRATCH, SEEDLING
from hortus.control.workshop.bringingout import absolute
from hortus.control.workshop.filing import note
from hortus.control.workshop.opening import bases_of
from hortus.jobs.errors import StepError
from hortus.jobs.records import Base
from hortus.tuning.bases import BaseFacts, check_base
from hortus.tuning.looks import Looks

_TAKEN = frozenset((SEEDLING, SCRATCH))


def list_bases(plane: Plane, _ask: Nothing) -> shown.BaseList:
    """Return the models of this installation that can be tuned, with what their folders say of them."""
    return shown.BaseList(bases=[_show(base, plane.looks) for base in bases_of(plane).here()])


def add_base(plane: Plane, ask: forms.BaseWanted) -> shown.BaseView:
    """Copy a model's folder here after a look for anything that would run when it is loaded."""
    source = absolute(ask.folder)
    models = plane.installation.workshop.models
    target = models / ask.name
    if ask.name in _TAKEN or target.exists():
        raise Conflict(f"There is a base `{ask.name}` already.", path="name", hint="Choose another name.")
    if not ask.name[0].isalnum() or "/" in ask.name or "\0" in ask.name:
        raise Invalid("This is no name.", path="name", hint="Letters, digits and . _ -, beginning with one of those.")
    ignored = frozenset(plane.looks.facts(source).ignored)
    facts = _copy(source, models, target, ignored)
    with acting(operation="bases.add"):
        note(plane, "create", kind="base", name=ask.name, project=None, said={"from": str(source), "hash": facts.hash})
    return _show(Base(ask.name, folder=str(target)), plane.looks)


def _copy(source: Path, models: Path, target: Path, ignored: frozenset[str]) -> BaseFacts:
    """Copy what the check has let pass, check the copy, and give it its name."""
    models.mkdir(parents=True, exist_ok=True)
    aside = models / f".{target.name}.{os.getpid()}.new"
    if aside.exists():
        raise Conflict(f"The base `{target.name}` is being copied already.", path="name", hint="Wait for it.")
    for left in models.glob(f".{target.name}.*.new"):  # of a process that was killed
        shutil.rmtree(left, ignore_errors=True)
    try:
        shutil.copytree(source, aside, ignore=lambda at, names: _left_out(Path(at), names, source, ignored))
        facts = check_base(aside)
        aside.rename(target)
    except (OSError, shutil.Error) as error:
        raise Invalid(
            "The folder cannot be copied.", path="folder", hint="Can Hortus read all of it, and has the disk room?"
        ) from error
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    return facts


def _left_out(at: Path, names: list[str], source: Path, ignored: frozenset[str]) -> set[str]:
    """Files that may hold code beside the safetensors ones stay where they are; so does what is hidden."""
    return {name for name in names if name.startswith(".") or str((at / name).relative_to(source)) in ignored}


def _show(base: Base, looks: Looks) -> shown.BaseView:
    if base.folder is None:
        return shown.BaseView(name=base.name, kind=SCRATCH)
    kind = SEEDLING if base.name == SEEDLING else "folder"
    try:
        facts = looks.facts(Path(base.folder))
    except StepError as error:
        return shown.BaseView(name=base.name, kind=kind, folder=base.folder, reason=f"{error.path}: {error.message}")
    return shown.BaseView(
        name=base.name,
        kind=kind,
        folder=base.folder,
        architecture=facts.architecture,
        parameters=facts.parameters,
        size_bytes=facts.bytes,
        context_tokens=facts.context_tokens,
        licence=facts.licence,
        engines=facts.engines,
    )
