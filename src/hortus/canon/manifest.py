"""What of a request (or answer) has been written, and what is lost? Whatever a writer does not take is a loss.

A writer takes each field of a node as it writes it. What was set and not taken is reported at the end with its path in
the source's own words: a writer that forgets something is loud about it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache

import msgspec

from hortus.canon.loss import FIELD_WEIGHTS, IMPLIED, NEUTRAL, NODE_WEIGHTS, Loss, Weight
from hortus.canon.nodes import Extras, Node

_NOTHING: Mapping[str, msgspec.Raw] = {}
_NULL = b"null"
_OWN = frozenset(("at", "extras"))


class Vocabulary(msgspec.Struct, frozen=True):
    """How a source dialect calls things, for the paths of losses.

    Attributes:
        names: Canonical field (`Request.max_output_tokens`) to the member relative to its node (`max_tokens`), or with
            `/` in front from the root where it stands elsewhere; a field that is not listed is called as here.
        weights: Path with `[]` for every index (`service_tier`, `messages[].name`) to the weight of losing a member
            that only the dialect knows; others: tuning at the top, meaning below.
    """

    names: Mapping[str, str] = {}
    weights: Mapping[str, Weight] = {}


class Manifest:
    """Accounts for one translation.

    Args:
        root: What is being written.
        target: The dialect it is written in.
        source: How the other side calls things.
        target_name: How to call the target in reasons, such as `the Gemini API`.
        reclassified: Weights that a host's row sets, as in `Vocabulary.weights`.
    """

    def __init__(
        self,
        root: Node,
        target: str,
        *,
        source: Vocabulary,
        reclassified: Mapping[str, Weight] = {},
    ) -> None:
        self._root = root
        self._target = target
        self._source = source
        self._reclassified = reclassified
        self._taken: set[tuple[int, str]] = set()
        self._known: dict[tuple[int, str], Loss] = {}
        self._adaptations: list[str] = []
        self._said: list[Loss] = []

    def take(self, node: Node, *names: str) -> None:
        """Say that these fields of a node are written."""
        key = id(node)
        self._taken.update([(key, name) for name in names])

    def take_all(self, node: Node) -> None:
        """Say that every field of a node is written (not what it contains)."""
        self.take(node, *(name for name in node.__struct_fields__ if name not in _OWN))

    def members(self, node: Node) -> Mapping[str, msgspec.Raw]:
        """Return what only the target's own dialect knows of a node, for `put_back`; empty for another dialect's."""
        extras = node.extras
        if extras is None or extras.dialect != self._target:
            return _NOTHING
        self._taken.add((id(node), "extras"))
        return extras.members

    def silent(self, node: Node) -> Mapping[str, msgspec.Raw]:
        """Return, as `members` does, what only the target's own dialect knows of a node and nobody else can miss."""
        extras = node.extras
        return extras.silent if extras is not None and extras.dialect == self._target else _NOTHING

    def has_form(self, node: Node, form: str) -> bool:
        """Tell whether the target's own dialect used this notation for a node."""
        extras = node.extras
        return extras is not None and extras.dialect == self._target and form in extras.forms

    def lose(self, node: Node, name: str, reason: str) -> None:
        """Say why a field of a node (`""`: all of it) is not carried; it weighs what its field weighs."""
        self._known[id(node), name] = self._loss(node, name, reason)
        if name:
            self.take(node, name)
        else:
            self._taken.add((id(node), ""))

    def approximate(self, node: Node, name: str, reason: str) -> None:
        """Say that a field is written as something that is near but not the same."""
        self.take(node, name)
        self._said.append(Loss(path=self._path(node, name), weight="tuning", reason=reason))

    def leave_out(self, node: Node, name: str) -> None:
        """Say that a field asks for what the target does anyway: a named adaptation."""
        self.take(node, name)
        self.adapt(f"-{self._path(node, name)}")

    def adapt(self, name: str) -> None:
        """Name a change that keeps the meaning, for the receipt."""
        if name not in self._adaptations:
            self._adaptations.append(name)

    @property
    def adaptations(self) -> tuple[str, ...]:
        """Every adaptation named; complete after `losses`."""
        return tuple(self._adaptations)

    def losses(self) -> tuple[Loss, ...]:
        """Return everything that is set and not written, in the order of the source."""
        return (*self._said, *self._walk(self._root))

    def _walk(self, node: Node) -> Iterator[Loss]:
        key = id(node)
        if (key, "") in self._known:
            yield self._known[key, ""]
            return
        kind = type(node).__name__
        if not self._is_touched(node, kind):
            yield self._loss(node, "", f"{self._target} has no place for it.")
            return
        for name, value in _set_fields(node):
            children = _children(value)
            if (key, name) in self._known:
                yield self._known[key, name]
            elif children is not None:
                for child in children:
                    yield from self._walk(child)
            elif (key, name) not in self._taken:
                yield from self._untaken(node, name, value=value)
        yield from self._foreign(node)

    def _is_touched(self, node: Node, kind: str) -> bool:
        """Tell whether anything of a node was written; if not, it is lost as a whole."""
        if node is self._root:
            return True
        leaves = False
        for name, value in _set_fields(node):
            if f"{kind}.{name}" in IMPLIED:
                continue
            if _children(value) is not None or (id(node), name) in self._taken:
                return True
            if value in NEUTRAL.get(f"{kind}.{name}", ()):
                return True
            leaves = True
        return not leaves

    def _untaken(self, node: Node, name: str, *, value: object) -> Iterator[Loss]:
        field = f"{type(node).__name__}.{name}"
        if field in IMPLIED:
            return
        if value in NEUTRAL.get(field, ()):
            self.leave_out(node, name)
            return
        yield self._loss(node, name, f"{self._target} has no place for it.")

    def _foreign(self, node: Node) -> Iterator[Loss]:
        extras = node.extras
        if extras is None or (id(node), "extras") in self._taken:
            return
        for name, raw in extras.members.items():
            if bytes(raw) != _NULL:
                path = _joined(node.at, name)
                default: Weight = "tuning" if node is self._root else "meaning"
                yield Loss(path=path, weight=self._weight(path, default), reason=f"{self._target} does not know it.")

    def _loss(self, node: Node, name: str, reason: str) -> Loss:
        kind = type(node).__name__
        default = FIELD_WEIGHTS.get(f"{kind}.{name}", "meaning") if name else NODE_WEIGHTS.get(kind, "meaning")
        path = self._path(node, name)
        return Loss(path=path, weight=self._weight(path, default), reason=reason)

    def _path(self, node: Node, name: str) -> str:
        if not name:
            return node.at
        called = self._source.names.get(f"{type(node).__name__}.{name}", name)
        return called[1:] if called.startswith("/") else _joined(node.at, called)

    def _weight(self, path: str, default: Weight) -> Weight:
        general = _without_numbers(path)
        return self._reclassified.get(general) or self._source.weights.get(general, default)


def lost_members(extras: Extras, *, at: str, source: Vocabulary, target: str) -> list[Loss]:
    """Return the losses of members that only the source knows, of a node at that place which nobody writes whole."""
    paths = [_joined(at, name) for name, raw in extras.members.items() if bytes(raw) != _NULL]
    reason = f"{target} does not know it."
    return [Loss(path, source.weights.get(_without_numbers(path), "tuning"), reason) for path in paths]


def _set_fields(node: Node) -> list[tuple[str, object]]:
    """Return the fields that say something, with their values."""
    values = [(name, getattr(node, name), default) for name, default in _defaults_of(type(node))]
    return [(name, value) for name, value, default in values if value is not default and value != default]


@cache  # one for each kind of node
def _defaults_of(kind: type[Node]) -> tuple[tuple[str, object], ...]:
    """Return each field that can say something with its default; a required one has a value that equals nothing."""
    fields, given = kind.__struct_fields__, kind.__struct_defaults__
    defaults = (*(msgspec.NODEFAULT for _ in range(len(fields) - len(given))), *given)
    return tuple(pair for pair in zip(fields, defaults, strict=True) if pair[0] not in _OWN)


def _children(value: object) -> tuple[Node, ...] | None:
    if isinstance(value, Node):
        return (value,)
    if isinstance(value, tuple) and value and isinstance(value[0], Node):
        return value
    return None


def _joined(at: str, name: str) -> str:
    if not at or not name:
        return at or name
    return at + name if name.startswith("[") else f"{at}.{name}"


def _without_numbers(path: str) -> str:
    return "".join(part if i == 0 else "[]" + part.partition("]")[2] for i, part in enumerate(path.split("[")))
