"""One object of Google's wire: its members read under either spelling, and written again as they were spelt.

Google takes `inlineData` and `inline_data` alike, and one object where a list belongs. So objects are opened by name
here and not decoded into Structs: what nobody takes becomes the node's extras, and each notation a form:
`snake:PATH` (the other spelling), `one:PATH` (no list around it), `empty:PATH` (an object without members),
`absent:PATH` (left out, though its meaning is known).
https://ai.google.dev/api/generate-content and https://protobuf.dev/programming-guides/json, read 2026-11.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import TypeVar

import msgspec

from hortus.canon.errors import InvalidRequest
from hortus.canon.manifest import Manifest
from hortus.canon.nodes import Extras, Node
from hortus.framing.paths import Step, join_name, join_paths, put_back, split_path
from hortus.framing.shallow import not_an_object, why_broken

NAME = "gemini"

Object = dict[str, object]
"""A JSON object that is being written."""

T = TypeVar("T")

_NULL = b"null"
_HUMP = re.compile(r"([A-Z])")
_TAIL = re.compile(r"_([a-z])")

_OBJECT = msgspec.json.Decoder(dict[str, msgspec.Raw])
_LIST = msgspec.json.Decoder(list[msgspec.Raw])
_TEXT = msgspec.json.Decoder(str)
_TEXTS = msgspec.json.Decoder(list[str])
_NUMBER = msgspec.json.Decoder(int | float)
_FLAG = msgspec.json.Decoder(bool)


@lru_cache(maxsize=1024)
def _snake(name: str) -> str:
    return _HUMP.sub(r"_\1", name).lower()


@lru_cache(maxsize=1024)
def camel(name: str) -> str:
    """Return the documented spelling of a member's name.

    >>> camel("url_context"), camel("urlContext")
    ('urlContext', 'urlContext')
    """
    return _TAIL.sub(lambda match: match[1].upper(), name)


class _Notes:
    """What is noted of one node, whichever of its objects it stands in."""

    __slots__ = ("forms", "members", "opened", "silent")

    def __init__(self) -> None:
        self.members: dict[str, msgspec.Raw] = {}
        self.silent: dict[str, msgspec.Raw] = {}
        self.forms: list[str] = []
        self.opened: list[Opened] = []


class Opened:
    """One object while it is read; every function that takes a member returns None where it is absent or null.

    Args:
        data: JSON text of the object.
        at: Its path, for errors.

    Raises:
        InvalidRequest: It is no object.
    """

    __slots__ = ("_is_snake", "_members", "_notes", "_prefix", "at")

    def __init__(self, data: bytes | msgspec.Raw, at: str) -> None:
        self.at = at
        self._prefix = ""
        self._members = decode(_OBJECT, data, at)
        self._is_snake = any("_" in name for name in self._members)
        self._notes = _Notes()
        self._notes.opened.append(self)

    def inner(self, name: str) -> Opened | None:
        """Return the object in a member, which belongs to the same node."""
        value = self._take(name)
        if value is None:
            return None
        return self._open(value, join_name(self._prefix, name), at=join_name(self.at, name))

    def needed(self, name: str) -> Opened:
        """Return the same of a member that must be there."""
        found = self.inner(name)
        if found is None:
            raise InvalidRequest("This member is missing.", path=join_name(self.at, name))
        return found

    def item(self, value: msgspec.Raw, path: str) -> Opened:
        """Return an item of a list as an object that belongs to the same node; `path` is from the node."""
        return self._open(value, join_paths(self._prefix, path), at=join_paths(self.at, path))

    def _open(self, value: msgspec.Raw, prefix: str, *, at: str) -> Opened:
        found = Opened(value, at)
        found._prefix, found._notes = prefix, self._notes
        self._notes.opened.append(found)
        if not found._members:
            self._notes.forms.append(f"empty:{prefix}")
        return found

    def has(self, name: str) -> bool:
        """Tell whether a member is there and not null, under either spelling."""
        return self._spelt(name) is not None

    def names(self) -> tuple[str, ...]:
        """Return the members that are not taken yet and not null, as they are spelt."""
        return tuple(name for name, value in self._members.items() if bytes(value) != _NULL)

    def left(self) -> dict[str, msgspec.Raw]:
        """Return the members that are not taken yet, as they are spelt; none is taken by that."""
        return dict(self._members)

    def raw(self, name: str) -> msgspec.Raw | None:
        """Take a member as it is."""
        return self._take(name)

    def text(self, name: str) -> str | None:
        """Take a string."""
        return self._decode(name, _TEXT)

    def word(self, name: str) -> str:
        """Take a string that should be there; an absent one is empty, and is left out again."""
        found = self.text(name)
        if found is None:
            self.form(f"absent:{join_name(self._prefix, name)}")
        return found or ""

    def texts(self, name: str) -> list[str] | None:
        """Take a list of strings."""
        return self._decode(name, _TEXTS)

    def number(self, name: str) -> float | None:
        """Take a number."""
        return self._decode(name, _NUMBER)

    def integer(self, name: str) -> int | None:
        """Take a whole number, `2.0` among them."""
        found = self._decode(name, _NUMBER)
        if found is not None and found != int(found):
            raise InvalidRequest("Expected a whole number.", path=join_name(self.at, name))
        return None if found is None else int(found)

    def flag(self, name: str) -> bool | None:
        """Take true or false."""
        return self._decode(name, _FLAG)

    def items(self, name: str) -> list[msgspec.Raw] | None:
        """Take a list; one object stands for a list of itself."""
        value = self._take(name)
        if value is None:
            return None
        if bytes(memoryview(value)[:1]) == b"{":
            self.form(f"one:{join_name(self._prefix, name)}")
            return [value]
        return decode(_LIST, value, join_name(self.at, name))

    def form(self, word: str) -> None:
        """Note a notation of the node."""
        self._notes.forms.append(word)

    def keep(self, name: str, value: msgspec.Raw, *, is_silent: bool = False) -> None:
        """Keep a member that was taken: as one that elsewhere is a loss, or silently."""
        notes = self._notes
        (notes.silent if is_silent else notes.members)[join_name(self._prefix, name)] = value

    def silence(self, *names: str) -> None:
        """Keep members that nobody elsewhere can miss, as they are."""
        for name in names:
            value = self._take(name)
            if value is not None:
                self.keep(name, value, is_silent=True)

    def extras(self) -> Extras | None:
        """Return what was noted and not taken in all objects of the node, None where there is nothing."""
        notes = self._notes
        for one in notes.opened:
            notes.members.update({join_name(one._prefix, name): raw for name, raw in one._members.items()})  # noqa: SLF001 -- of the same class
        if not (notes.members or notes.forms or notes.silent):
            return None
        return Extras(dialect=NAME, members=notes.members, forms=tuple(notes.forms), silent=notes.silent)

    def own_extras(self) -> Extras:
        """Return the same, but never None: it marks a root as read from this dialect."""
        return self.extras() or Extras(dialect=NAME)

    def _spelt(self, name: str) -> str | None:
        value = self._members.get(name)
        if value is not None and bytes(value) != _NULL:
            return name
        if not self._is_snake:
            return None
        other = _snake(name)
        value = self._members.get(other)
        return other if value is not None and bytes(value) != _NULL else None

    def _take(self, name: str) -> msgspec.Raw | None:
        spelling = self._spelt(name)
        if spelling is None:
            return None
        if spelling != name:
            self.form(f"snake:{join_name(self._prefix, name)}")
        return self._members.pop(spelling)

    def _decode(self, name: str, decoder: msgspec.json.Decoder[T]) -> T | None:
        value = self._take(name)
        return None if value is None else decode(decoder, value, join_name(self.at, name))


def decode(decoder: msgspec.json.Decoder[T], data: bytes | msgspec.Raw, at: str) -> T:
    """Return what `data` holds.

    Raises:
        NotJson: It is not JSON, or (as the whole) no object.
        InvalidRequest: It is something else than `decoder` takes; `at` says where.
    """
    try:
        return decoder.decode(data)
    except msgspec.ValidationError as error:
        if not at:
            raise not_an_object() from error
        reason, _, place = str(error).removesuffix("`").partition(" - at `$")
        raise InvalidRequest(reason.replace("`", "") + ".", path=at + place) from error
    except msgspec.DecodeError as error:
        raise why_broken(bytes(data), error) from error


class Pen(msgspec.Struct, frozen=True):
    """What a writer holds.

    Attributes:
        manifest: Takes note of what is written.
        is_own: Whether what is written was read from this dialect: then it is written as it was.
        is_answer: Whether it is for a client, not for a host.
        names: Function's name by the id of its call, for results that do not say it.
    """

    manifest: Manifest
    is_own: bool
    is_answer: bool
    names: Mapping[str, str] = {}

    def close(self, node: Node, body: Object) -> Object:
        """Return `body` with what only this dialect knows of `node` put back, spelt as it was."""
        if node.extras is None:
            return body
        silent, forms = self.manifest.silent(node), forms_of(node)
        # What was kept as it was stands for what its meaning would be written as.
        for path in (*silent, *_paths(forms, "absent:")):
            container, name = _place_of(body, path)
            container.pop(name, None)
        put_back(body, silent)
        put_back(body, self.manifest.members(node))
        for path in _paths(forms, "empty:"):
            put_back(body, {path: msgspec.Raw(b"{}")})
        for path in _paths(forms, "one:"):
            container, name = _place_of(body, path)
            container[name] = _only(container.get(name))
        for path in _paths(forms, "snake:"):
            container, name = _place_of(body, path)
            container.update({_snake(name): container.pop(name)} if name in container else {})
        return body


def forms_of(node: Node) -> tuple[str, ...]:
    """Return the notations that this dialect noted of a node."""
    return node.extras.forms if node.extras is not None and node.extras.dialect == NAME else ()


def silent_of(node: Node) -> Mapping[str, msgspec.Raw]:
    """Return what this dialect keeps of a node without a word."""
    return node.extras.silent if node.extras is not None and node.extras.dialect == NAME else {}


def is_own(node: Node) -> bool:
    """Tell whether a root was read from this dialect."""
    return node.extras is not None and node.extras.dialect == NAME


def _paths(forms: tuple[str, ...], prefix: str) -> list[str]:
    """Return the paths of one kind of form, the deepest first: a path names its parents in the documented spelling."""
    found = [form.removeprefix(prefix) for form in forms if form.startswith(prefix)]
    return sorted(found, key=lambda path: -len(path))


def _place_of(body: Object, path: str) -> tuple[Object, str]:
    """Return the object that holds the member at `path`, and its name; an empty object where there is none."""
    *parents, name = split_path(path) or ("",)
    here: object = body
    for step in parents:
        here = _inside(here, step)
    return (here if isinstance(here, dict) else {}), str(name)


def _inside(here: object, step: Step) -> object:
    if isinstance(here, dict):
        return here.get(str(step))
    return here[step] if isinstance(here, list) and isinstance(step, int) and step < len(here) else None


def _only(value: object) -> object:
    return value[0] if isinstance(value, list) and value else value
