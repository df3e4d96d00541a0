"""What does somebody ask for who creates a job in OpenAI's words? Strict: whatever is not understood is named.

https://github.com/openai/openai-python (`types/fine_tuning/job_create_params.py`, `…_hyperparameters_param.py`), read
2026-11.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Literal, NamedTuple, TypeVar

import msgspec

from hortus.base.errors import HortusError
from hortus.canon.errors import InvalidRequest, NotJson
from hortus.control.workshop.service import JobWish
from hortus.jobs.spec import About, EngineWish, Form, GateRules, Method, Recipe

_AT = re.compile(r"^(?P<what>.*?)(?: - at `\$\.?(?P<path>.*)`)?$", re.DOTALL)
_FIELD = re.compile(r"^Object (?:contains unknown|missing required) field `(?P<name>[^`]*)`$")
_SUFFIX = re.compile(r"[A-Za-z0-9._-]{0,64}")
_METHODS: tuple[Method, ...] = ("supervised", "dpo", "scratch")
_LONGEST_NAME = 256
_MOST_METADATA, _LONGEST_KEY, _LONGEST_VALUE = 16, 64, 512

Auto = Literal["auto"]
_Kind = TypeVar("_Kind")


class _Hyper(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    n_epochs: Auto | int | None = None
    batch_size: Auto | int | None = None
    learning_rate_multiplier: Auto | float | None = None


class _DpoHyper(_Hyper, frozen=True, forbid_unknown_fields=True):
    beta: Auto | float | None = None


class _Learning(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    hyperparameters: _Hyper | None = None


class _DpoLearning(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    hyperparameters: _DpoHyper | None = None


class _Methods(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    type: str
    supervised: _Learning | None = None
    dpo: _DpoLearning | None = None
    scratch: _Learning | None = None
    reinforcement: dict[str, msgspec.Raw] | None = None


class _Own(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The member `hortus`: what OpenAI's interface has no words for."""

    recipe: Recipe = Recipe()
    gate: GateRules = GateRules()
    about: About = About()
    engine: EngineWish = "auto"
    form: Form = "merged"
    deploy: bool = True
    held_out_share: float = 0.1


class _Asked(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    model: str
    training_file: str
    validation_file: str | None = None
    suffix: str | None = None
    seed: int | None = None
    metadata: dict[str, str] | None = None
    method: _Methods | None = None
    hyperparameters: _Hyper | None = None
    integrations: list[dict[str, msgspec.Raw]] | None = None
    hortus: _Own | None = None


class _SaidOwn(msgspec.Struct, frozen=True):
    recipe: dict[str, msgspec.Raw] = {}


class _Said(msgspec.Struct, frozen=True):
    """Which members of the recipe were said: none may be said twice."""

    hortus: _SaidOwn | None = None


_HYPER_TO_RECIPE = {
    "n_epochs": "epochs",
    "batch_size": "batch_size",
    "learning_rate_multiplier": "learning_rate_multiplier",
    "beta": "beta",
}


_IN_OWN = frozenset(_Own.__struct_fields__)
_ELSEWHERE = {"base": "model", "training": "training_file", "validation": "validation_file"}
"""What OpenAI calls otherwise."""


class Read(NamedTuple):
    """What was asked for, and where members of the recipe were written that have a word of OpenAI's."""

    wish: JobWish
    places: Mapping[str, str]


def as_written(fault: HortusError, places: Mapping[str, str]) -> HortusError:
    """Return a fault of a wish with the path that its caller has written, or would have."""
    if fault.path is None:
        return fault
    path = places.get(fault.path) or _usual_place(fault.path)
    message = fault.message.replace(f"`{fault.path}`", f"`{path}`")
    return type(fault)(message, path=path, hint=fault.hint)


def _usual_place(path: str) -> str:
    return f"hortus.{path}" if path.split(".", 1)[0] in _IN_OWN else _ELSEWHERE.get(path, path)


def read_wish(body: bytes, *, made_by: str | None) -> Read:
    """Return what is asked for.

    Raises:
        NotJson: The body is no JSON.
        InvalidRequest: A member is unknown, has the wrong type or asks for what there is not; `path` names it.
    """
    asked = read_strictly(body, _Asked)
    own = asked.hortus or _Own()
    method, where, hyper = _method_of(asked)
    _check_words(asked)
    said = msgspec.json.decode(body, type=_Said).hortus or _SaidOwn()
    changes = dict(_changes(hyper, where, seed=asked.seed))
    for name, path in changes:
        if name in said.recipe:
            raise InvalidRequest(f"`hortus.recipe.{name}` says it again.", path=path, hint="Say it once.")
    recipe = msgspec.structs.replace(own.recipe, **{name: value for (name, _), value in changes.items()})
    wish = JobWish(
        base=asked.model,
        training=asked.training_file,
        validation=asked.validation_file,
        method=method,
        suffix=asked.suffix or "",
        metadata=asked.metadata or {},
        said=tuple(dict.fromkeys((*said.recipe, *(name for name, _ in changes)))),
        made_by=made_by,
        **{**msgspec.structs.asdict(own), "recipe": recipe},
    )
    return Read(wish, {f"recipe.{name}": path for name, path in changes})


def read_strictly(body: bytes, kind: type[_Kind]) -> _Kind:
    """Return a JSON body as a Struct.

    Raises:
        NotJson: It is no JSON.
        InvalidRequest: A member is unknown, missing or of the wrong type; `path` names it.
    """
    try:
        return msgspec.json.decode(body, type=kind)
    except msgspec.ValidationError as error:
        raise _wrong_member(error) from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise NotJson("The body is no JSON.", hint="Send a JSON object.") from error


def _wrong_member(error: msgspec.ValidationError) -> InvalidRequest:
    found = _AT.match(str(error))
    what, path = (found["what"], found["path"] or "") if found else (str(error), "")
    field = _FIELD.match(what)
    if field is not None:
        path = f"{path}.{field['name']}".removeprefix(".")
        word = "unknown" if "unknown" in what else "missing"
        return InvalidRequest(f"`{path[:200]}` is {word}.", path=path[:200], hint="Look for a slip in its name.")
    return InvalidRequest(f"{what}.", path=path or None, hint="Change its value.")


def _method_of(asked: _Asked) -> tuple[Method, str, _Hyper | None]:
    """Return the method, where its hyperparameters stand, and these."""
    said = asked.method
    if said is None:
        return "supervised", "hyperparameters", asked.hyperparameters
    kind = _kind_of(said)
    learning: _Learning | _DpoLearning | None = getattr(said, kind)
    hyper = learning.hyperparameters if learning is not None else None
    if hyper is None:
        return kind, "hyperparameters", asked.hyperparameters
    if asked.hyperparameters is not None:
        raise InvalidRequest("The method has hyperparameters, too.", path="hyperparameters", hint="Say them once.")
    return kind, f"method.{kind}.hyperparameters", hyper


def _kind_of(said: _Methods) -> Method:
    kind = next((one for one in _METHODS if one == said.type), None)
    if kind is None:
        message = f"There is no method {said.type[:64]!r} here."
        raise InvalidRequest(message, path="method.type", hint=f"Use {', '.join(_METHODS)}.")
    others = [one for one in (*_METHODS, "reinforcement") if one != kind and getattr(said, one) is not None]
    if others:
        raise InvalidRequest(f"The method is `{kind}`.", path=f"method.{others[0]}", hint="Leave the other one out.")
    return kind


def _check_words(asked: _Asked) -> None:
    if asked.integrations:
        raise InvalidRequest(
            "There are no integrations here.",
            path="integrations",
            hint="The job's events have every figure; `result_files` has them as a table.",
        )
    if not _SUFFIX.fullmatch(asked.suffix or ""):
        raise InvalidRequest(
            "The suffix becomes part of a model's name.",
            path="suffix",
            hint="Use at most 64 letters, digits and . _ -",
        )
    for path in ("model", "training_file", "validation_file"):
        if len(getattr(asked, path) or "") > _LONGEST_NAME:
            raise InvalidRequest("This is too long.", path=path, hint=f"Names have at most {_LONGEST_NAME} characters.")
    _check_metadata(asked.metadata or {})


def _check_metadata(metadata: dict[str, str]) -> None:
    for name, value in metadata.items():
        if len(name) > _LONGEST_KEY or len(value) > _LONGEST_VALUE:
            hint = f"Names have at most {_LONGEST_KEY} characters, values {_LONGEST_VALUE}."
            raise InvalidRequest("This pair is too long.", path=f"metadata.{name[:_LONGEST_KEY]}", hint=hint)
    if len(metadata) > _MOST_METADATA:
        raise InvalidRequest("There are too many pairs.", path="metadata", hint=f"Use at most {_MOST_METADATA}.")


def _changes(hyper: _Hyper | None, where: str, *, seed: int | None) -> Iterator[tuple[tuple[str, str], object]]:
    """Yield what is said of the recipe outside of it: its member, where it was said, and the value."""
    if seed is not None:
        yield ("seed", "seed"), seed
    for said, member in _HYPER_TO_RECIPE.items():
        value = getattr(hyper, said, None)
        if value is not None and value != "auto":
            yield (member, f"{where}.{said}"), float(value) if member == "epochs" else value
