"""What does `hortus.toml` declare, and what is wrong with it? Text in, a declaration or every fault out.

Nothing here reads a disk or a store. Each fault names file, line and path, such as
`hortus.toml:12 endpoint[2].host`; indices count from 0. `[settings]` is passed on as it came.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from datetime import date
from decimal import Decimal
from functools import partial
from typing import get_args, get_type_hints

import msgspec
from msgspec import Struct

from hortus.base.addresses import Network
from hortus.base.errors import ConfigurationError
from hortus.catalog.rows import Host
from hortus.control.checks import Spec, check_spec
from hortus.control.fault import Fault, suggest
from hortus.control.tomllines import Lines, Path, format_path
from hortus.policy.rules import Policy
from hortus.snapshot.compile import read_candidate
from hortus.snapshot.declared import DeploymentSpec, EndpointSpec, LimitSpec, ProjectSpec, RateSpec, RouteSpec

KINDS: dict[str, type[Spec]] = {
    "project": ProjectSpec,
    "endpoint": EndpointSpec,
    "route": RouteSpec,
    "deployment": DeploymentSpec,
    "limit": LimitSpec,
    "rate": RateSpec,
    "policy": Policy,
}
"""Arrays of tables in the file, and what each table becomes."""

MAX_FILE_BYTES = 4 * 1024 * 1024

_TYPE_ERROR = re.compile(r"^(?P<message>.*?)(?: - at (?:`key` in )?`\$(?P<path>[^`]*)`)?$", re.DOTALL)
_PATH_PART = re.compile(r"\.?([A-Za-z0-9_]+)|\[(\d+)\]")
_SYNTAX_ERROR = re.compile(r"^(?P<message>.*) \(at (?:line (?P<line>\d+), column \d+|end of document)\)$", re.DOTALL)
_FIELD_ERROR = re.compile(r"^Object (?P<kind>contains unknown|missing required) field `(?P<name>.*)`$")
_MOST_QUOTED = 60
_SECRET_KEYS = ("api_key", "apikey", "key", "token", "secret", "password", "access_key")
_TYPE_NAME = re.compile(r"`([a-z]+)(?: \| null)?`")
_PLAIN_TYPES = {
    "str": "a text",
    "int": "a whole number",
    "float": "a number",
    "decimal": "a number",
    "date": "a day",
    "bool": "true or false",
    "array": "a list",
    "object": "a table",
    "datetime": "a time",
}


class Item(msgspec.Struct, frozen=True):
    """One declared object and the place where it is declared, such as `hortus.toml:12`."""

    kind: str
    spec: Spec
    where: str
    path: Path


class Declaration(msgspec.Struct, frozen=True):
    """Everything that one file declares.

    Attributes:
        file: How the file is called in messages.
        settings: The table `[settings]`, not judged here.
        settings_lines: Line of each key in `[settings]`.
        items: Declared objects, in the order of the file.
    """

    file: str
    settings: dict[str, object]
    settings_lines: dict[str, int]
    items: tuple[Item, ...] = ()

    def where(self, kind: str, name: str) -> str | None:
        """Return where the file declares `name`, None where it does not."""
        return next((item.where for item in self.items if item.kind == kind and item.spec.name == name), None)


class Report:
    """Turns faults into one error that names each with file, line and path."""

    def __init__(self, file: str, lines: Lines | None = None) -> None:
        self._file = file
        self._lines = lines

    def place(self, path: Path) -> str:
        """Return file and line, such as `hortus.toml:12`."""
        return f"{self._file}:{self._lines.line_of(path)}" if self._lines else self._file

    def error(self, faults: Iterable[Fault]) -> ConfigurationError:
        """Return the error for `faults`, of which there is at least one."""
        first, *others = faults
        message = first.message
        for fault in others:
            hint = f" {fault.hint}" if fault.hint else ""
            message += f"\n{self.place(fault.path)} {format_path(fault.path)}: {fault.message}{hint}"
        if others:
            message = f"{first.message}{f' {first.hint}' if first.hint else ''}{message[len(first.message) :]}"
        path = f"{self.place(first.path)} {format_path(first.path)}".rstrip()
        return ConfigurationError(message, path=path, hint=None if others else first.hint)


def read_config(
    data: bytes,
    *,
    file: str,
    hosts: Mapping[str, Host],
    networks: tuple[Network, ...] = (),
    today: date | None = None,
) -> Declaration:
    """Read the bytes of a configuration file.

    Args:
        data: The file as it lies on disk.
        file: How to call it in messages.
        hosts: Rows of the hosts in the catalog, by id.
        networks: The node's `private_networks`.
        today: No contract was looked at later; None: not judged.

    Raises:
        ConfigurationError: The file is not TOML, or something in it is wrong; all faults at once.
    """
    text, document = _parse(data, file)
    lines = Lines(text)
    report = Report(file, lines)
    check = partial(check_spec, hosts=hosts, networks=networks, today=today)
    faults = list(_check_top(document))
    items: list[Item] = []
    for kind, spec_type in KINDS.items():
        tables = document.get(kind, [])
        if not isinstance(tables, list):
            continue
        for index, table in enumerate(tables):
            path: Path = (kind, index)
            spec, found = _read_table(table, path, spec_type=spec_type, check=check)
            faults.extend(found)
            if spec is not None:
                items.append(Item(kind, spec, report.place((*path, "name")), path))
    faults.extend(_check_names(items))
    if faults:
        raise report.error(faults)
    settings = msgspec.convert(document.get("settings", {}), dict[str, object])
    places = {key: lines.line_of(("settings", key)) for key in settings}
    return Declaration(file, settings, settings_lines=places, items=tuple(items))


def check_references(declaration: Declaration, *, known: Collection[str]) -> list[Fault]:
    """Return a fault for each endpoint that a route of the file names and nothing declares.

    Args:
        declaration: What the file declares.
        known: Names of endpoints and deployments outside the file, retired ones included.
    """
    own = {name for item in declaration.items for space, name in names_of(item.kind, item.spec) if space == "endpoint"}
    names = own | set(known)
    faults: list[Fault] = []
    for item in declaration.items:
        if not isinstance(item.spec, RouteSpec):
            continue
        for index, candidate in enumerate(item.spec.endpoints):
            name = read_candidate(candidate)[0]
            if name not in names:
                hint = suggest(name, names) or "Declare it as an [[endpoint]] or a [[deployment]]."
                faults.append(Fault((*item.path, "endpoints", index), f"There is no endpoint `{name}`.", hint))
    return faults


def _parse(data: bytes, file: str) -> tuple[str, dict[str, object]]:
    if len(data) > MAX_FILE_BYTES:
        raise ConfigurationError(f"The file is over {MAX_FILE_BYTES} bytes.", path=file, hint="Is it the right one?")
    try:
        # tomllib wants LF; a byte order mark is what some editors put in front
        text = data.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise ConfigurationError("The file is not UTF-8.", path=f"{file}:{line}", hint="Save it as UTF-8.") from error
    try:
        return text, tomllib.loads(text, parse_float=Decimal)  # an amount of money is never a float
    except tomllib.TOMLDecodeError as error:
        match = _SYNTAX_ERROR.match(str(error))
        line = int(match["line"]) if match and match["line"] else text.count("\n") + 1
        message = (match["message"] if match else str(error)).removesuffix(".")
        # a quoted character may be part of a secret; the line number says enough
        message = re.sub(r": .*", "", message) if '"' in message or "'" in message else message
        raise ConfigurationError(
            f"This is not TOML: {message[:1].lower()}{message[1:]}.", path=f"{file}:{line}", hint="Mend this line."
        ) from error
    except RecursionError as error:
        raise ConfigurationError("The file is nested too deeply.", path=file, hint="Is it the right one?") from error


def _check_top(document: dict[str, object]) -> Iterator[Fault]:
    known = ("settings", *KINDS)
    for key, value in document.items():
        if key not in known:
            hint = suggest(key, known) or f"The file may hold: {', '.join(known)}."
            yield Fault((key,), f"`{key}` is unknown.", hint)
        elif key == "settings" and not isinstance(value, dict):
            yield Fault((key,), "`settings` must be a table.", "Write it as [settings].")
        elif key in KINDS and not isinstance(value, list):
            yield Fault((key,), f"`{key}` must be a list of tables.", f"Write each one as [[{key}]].")


def _read_table(
    table: object, path: Path, *, spec_type: type[Spec], check: Callable[[Spec], list[Fault]]
) -> tuple[Spec | None, list[Fault]]:
    if not isinstance(table, dict):
        return None, [Fault(path, "This must be a table.", f"Write it as [[{path[0]}]].")]
    faults = list(_check_keys(table, path, spec_type))
    if faults:
        return None, faults
    try:
        spec = msgspec.convert(table, spec_type)
    except msgspec.ValidationError as error:
        return None, [_type_fault(error, path, spec_type=spec_type)]
    faults = check(spec)
    return spec, [fault.under(path) for fault in faults]


def _check_keys(table: dict[str, object], path: Path, spec_type: type[Spec]) -> Iterator[Fault]:
    fields = msgspec.structs.fields(spec_type)
    known = [field.encode_name for field in fields]
    for key in table:
        if key in known:
            continue
        hint = suggest(key, known) or f"[[{path[0]}]] has: {', '.join(known)}."
        if spec_type is EndpointSpec and key.lower() in _SECRET_KEYS:
            hint = 'Secrets stay out of this file: write credential = "env:NAME" or "file:NAME".'
        yield Fault((*path, key), f"`{key}` is unknown in [[{path[0]}]].", hint)
    for field in fields:
        name = field.encode_name
        if field.required and name not in table:
            yield Fault((*path, name), f"`{name}` is missing.", f"Add {name} to this [[{path[0]}]].")


def _type_fault(error: msgspec.ValidationError, path: Path, *, spec_type: type[Spec]) -> Fault:
    match = _TYPE_ERROR.match(str(error))
    message, inner = (match["message"], match["path"]) if match else (str(error), "")
    message = _TYPE_NAME.sub(lambda found: _PLAIN_TYPES.get(found[1], found[1]), message)
    steps = tuple(int(index) if index else name for name, index in _PATH_PART.findall(inner or ""))
    hint_here = _hint_at(spec_type, steps)
    lacking = _FIELD_ERROR.match(message)
    if lacking is not None:
        return _field_fault(lacking, (*path, *steps), known=_fields_in(hint_here))
    words = [part for part in _parts_of(hint_here) if isinstance(part, str)]
    if words and message.startswith("Invalid enum value"):
        return _word_fault(message.removeprefix("Invalid enum value ").strip("'"), (*path, *steps), words=words)
    return Fault((*path, *steps), f"{message}.", "Change the value to the right type.")


def _word_fault(said: str, path: Path, *, words: list[str]) -> Fault:
    """Return the fault of a word that is none of those that may stand at a path."""
    member = next((step for step in reversed(path) if isinstance(step, str)), "")
    hint = suggest(said, words) or f"Write one of: {', '.join(words)}."
    return Fault(path, f"`{said[:_MOST_QUOTED]}` cannot be `{member}`.", hint)


def _field_fault(lacking: re.Match[str], path: Path, *, known: list[str]) -> Fault:
    """Return the fault of a member in a table within a table that is unknown or missing."""
    name = lacking["name"]
    if lacking["kind"] == "missing required":
        return Fault((*path, name), f"`{name}` is missing here.", f"Add {name}.")
    hint = suggest(name, known) or f"There may be: {', '.join(known)}."
    return Fault((*path, name), f"`{name[:_MOST_QUOTED]}` is unknown here.", hint)


def _hint_at(spec_type: type[Spec], steps: Path) -> object:
    """Return the type of what a path leads to, as far as it can be followed."""
    hint: object = spec_type
    for step in steps:
        table = next((part for part in _parts_of(hint) if isinstance(part, type) and issubclass(part, Struct)), None)
        if isinstance(step, str) and table is not None:
            hint = get_type_hints(table).get(step)
    return hint


def _parts_of(hint: object) -> Iterator[object]:
    yield hint
    for part in get_args(hint):
        yield from _parts_of(part)


def _fields_in(hint: object) -> list[str]:
    """Return the names of the fields of the table that a type holds."""
    tables = (part for part in _parts_of(hint) if isinstance(part, type) and issubclass(part, Struct))
    return [field.encode_name for table in tables for field in msgspec.structs.fields(table)]


def _check_names(items: list[Item]) -> Iterator[Fault]:
    """A name is taken once: by a project, by a route, by an endpoint; a deployment takes the last two."""
    taken: dict[tuple[str, str], Item] = {}
    for item in items:
        for space, name in names_of(item.kind, item.spec):
            other = taken.setdefault((space, name), item)
            if other is not item:
                message = f"The {space} `{name}` is declared twice; the first stands at {other.where}."
                yield Fault((*item.path, "name"), message, "Rename or remove one of the two.")
                break


def names_of(kind: str, spec: object) -> tuple[tuple[str, str], ...]:
    """Return all names that an object takes, each with its kind: a deployment takes those of its adapters too."""
    names = spec.routes if isinstance(spec, DeploymentSpec) else (str(getattr(spec, "name", "")),)
    return tuple((space, name) for space in spaces_of(kind) for name in names)


def spaces_of(kind: str) -> tuple[str, ...]:
    """Return the kinds of names that an object takes: a deployment is also an endpoint and a route."""
    return ("endpoint", "route") if kind == "deployment" else (kind,)
