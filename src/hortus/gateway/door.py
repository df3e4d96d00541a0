"""Which dialect and operation a path means: the first thing that is decided of every request.

Every dialect has its bases (`/anthropic`); most paths also work at the root, where OpenAI's come first.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import msgspec

from hortus.canon.dialect import Dialect, Operation
from hortus.canon.errors import MethodNotAllowed, UnknownPath, UpgradeRefused

_GAP = re.compile(r"\{(\w+)\}")
_VERSIONS = re.compile(r"^/(?:v\d+(?:beta)?/)*")
_TELLS_ANTHROPIC = b"anthropic-version"
"""Anthropic's SDKs always send it: with it, the root's paths that several dialects have are Anthropic's."""


class Found(msgspec.Struct, frozen=True):
    """What a path means; `argument` is what stands for `{route}` in it."""

    dialect: Dialect
    operation: Operation
    argument: str | None = None


class WrongMethod(MethodNotAllowed):
    """The path exists, with other methods: `allow` names them."""

    def __init__(self, message: str, *, allow: str) -> None:
        super().__init__(message, hint=f"Use {allow}.")
        self.allow = allow


class _Template(msgspec.Struct, frozen=True):
    """A path with gaps."""

    prefix: str
    pattern: re.Pattern[str]
    methods: dict[str, Found]


class Door:
    """The paths of all dialects.

    Args:
        dialects: The first one answers for paths that belong to none; where two have a path at the root, the earlier.
    """

    def __init__(self, dialects: Sequence[Dialect]) -> None:
        self.first = dialects[0]
        self.dialects = tuple(dialects)
        self._exact: dict[str, dict[str, Found]] = {}
        self._templates: dict[str, _Template] = {}
        self._bases: dict[str, Dialect] = {}
        self._roots: dict[str, Dialect] = {}
        self._anthropic: str | None = None
        for dialect in dialects:
            for base in dialect.bases:
                self._bases.setdefault(base, dialect)
            if _TELLS_ANTHROPIC.decode() in dialect.passed_headers:
                self._anthropic = self._anthropic or dialect.bases[0]  # all that have the header have this base
            for operation in dialect.operations:
                for base in (*dialect.bases, *([""] if operation.is_at_root else [])):
                    self._add(base + operation.path, Found(dialect, operation))
                if operation.is_at_root:
                    self._roots.setdefault(_first_part(operation.path), dialect)
        self._by_start: dict[str, list[_Template]] = {}
        # `/v1/models/{route}:generateContent` is looked at before `/v1/models/{route}`, which it would fit, too.
        for _, template in sorted(self._templates.items(), key=lambda one: one[0].endswith("}")):
            self._by_start.setdefault(_first_part(template.prefix), []).append(template)

    def _add(self, path: str, found: Found) -> None:
        first, gap, _ = path.partition("{")
        if not gap:
            methods = self._exact.setdefault(path, {})
        else:
            template = self._templates.setdefault(path, _Template(first, _pattern(path), {}))
            methods = template.methods
        methods.setdefault(found.operation.method, found)

    def find(self, method: str, path: str, *, headers: dict[bytes, bytes]) -> Found:
        """Return what `method` on `path` means.

        Raises:
            UnknownPath: No operation has this path.
            WrongMethod: It exists with other methods.
        """
        if self._anthropic is not None and _TELLS_ANTHROPIC in headers and path.startswith("/v1/"):
            own = self._look_up(self._anthropic + path)
            if own is not None:
                return _choose(own, method)
        matched = self._look_up(path)
        if matched is None:
            raise UnknownPath("This path is not served here.", hint=self._advise(path))
        return _choose(matched, method)

    def dialect_of(self, path: str, *, headers: dict[bytes, bytes]) -> Dialect:
        """Return the dialect whose errors a client at this path understands."""
        if self._anthropic is not None and _TELLS_ANTHROPIC in headers and path.startswith("/v1/"):
            return self._bases[self._anthropic]
        first = _first_part(path)
        return self._bases.get(first) or self._roots.get(first, self.first)

    def _look_up(self, path: str) -> tuple[dict[str, Found], str | None] | None:
        methods = self._exact.get(path)
        if methods is not None:
            return methods, None
        for template in self._by_start.get(_first_part(path), ()):
            if path.startswith(template.prefix):
                match = template.pattern.fullmatch(path)
                if match is not None:
                    gaps = match.groupdict()
                    return template.methods, gaps.get("route") or gaps.get("id")
        return None

    def _advise(self, path: str) -> str:
        """Say which path was probably meant: the usual slip is a base URL without `/v1`, or with a version twice."""
        base = max((one for one in self._bases if path.startswith(one + "/")), key=len, default=None)
        if base is not None:
            return self._advise_below(base, path)
        tail = "/" + path.strip("/").removeprefix("v1/")
        for known in self._exact:
            if known == path.rstrip("/") or known.removeprefix("/v1") == tail.removeprefix("/v1"):
                return f"Did you mean {known}? The base URL of OpenAI's SDKs ends with /v1."
        return "Served are " + ", ".join(sorted(path for path in self._exact if path.startswith("/v1/"))) + "."

    def _advise_below(self, base: str, path: str) -> str:
        """Say the same of a path below the base of a dialect."""
        others = tuple(f"{one}/" for one in (*self._bases, f"{base}/ws") if one.startswith(base + "/"))
        paths = (one for one in (*self._exact, *self._templates) if one.startswith(base + "/"))
        below = sorted(one for one in paths if not one.startswith(others) and one.count("{") <= 1)
        for known in below:
            if _without_version(known, base) == _without_version(path.rstrip("/"), base):
                return f"Did you mean {known}? The version stands there once: a base URL ends before what the SDK adds."
        return f"Served below {base} are {', '.join(one.removeprefix(base) for one in below)}."


def refuse_upgrade(headers: dict[bytes, bytes]) -> None:
    """Refuse what asks to become a WebSocket.

    Raises:
        UpgradeRefused: It does.
    """
    if headers.get(b"upgrade", b"").lower() == b"websocket":
        raise UpgradeRefused(
            "WebSockets are not spoken at this path.",
            hint="Send plain HTTP; set `stream` to true to get an answer in parts.",
        )


def _first_part(path: str) -> str:
    """Return a path's first part.

    >>> _first_part("/model/eu.lamp/converse")
    '/model'
    """
    return "/" + path.lstrip("/").partition("/")[0]


def _without_version(path: str, base: str) -> str:
    """Return what a path names, whatever versions stand before it.

    >>> _without_version("/mistral/v1/v1/chat/completions", "/mistral")
    'chat/completions'
    """
    return _VERSIONS.sub("", path.removeprefix(base))


def _choose(matched: tuple[dict[str, Found], str | None], method: str) -> Found:
    methods, argument = matched
    found = methods.get(method)
    if found is None:
        raise WrongMethod("This path does not take this method.", allow=", ".join(sorted(methods)))
    return found if argument is None else Found(found.dialect, found.operation, argument)


def _pattern(path: str) -> re.Pattern[str]:
    """Return a pattern in which a route may hold slashes and colons (the last colon splits), ids may not."""
    parts = _GAP.split(path)
    texts, names = parts[::2], parts[1::2]
    gaps = ["(?P<route>.+)" if name == "route" else f"(?P<{name}>[^/]+)" for name in names]
    pieces = [re.escape(text) + gap for text, gap in zip(texts, [*gaps, ""], strict=True)]
    return re.compile("".join(pieces))
