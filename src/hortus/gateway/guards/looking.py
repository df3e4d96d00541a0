"""Which words of a request are looked at, and how are others written in their stead? One walk for each."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator

import msgspec
from typing_extensions import override

from hortus.canon.dialect import CONTENT_KINDS
from hortus.canon.embeddings import EmbeddingsInput
from hortus.canon.nodes import Seal
from hortus.canon.parts import HostFile, Inline, Link, Reasoning
from hortus.gateway.guards.places import Kind, Look
from hortus.gateway.guards.reading import Place, Reading, Unfolded, Words
from hortus.gateway.passage import Inquiry

_READABLE = re.compile(r"text/|application/(?:[\w.+-]+\+)?(?:json|xml|yaml|csv)\b", re.IGNORECASE)
"""Media types that are words."""

_DATA_URL = re.compile(r"data:(?!text/)[\w/+.-]*[;,]", re.IGNORECASE)
_BLOB = re.compile(r"[A-Za-z0-9+/_-]{512,}={0,2}")
_BASE64 = re.compile(r"[A-Za-z0-9+/_=-]*+")
_SEALED_NAME = re.compile("encrypted|signature", re.IGNORECASE)
"""Members in which makers give their own sealed bytes."""

Leaf = Words | Unfolded


class Gathering(Look):
    """Reads every place."""

    def __init__(self) -> None:
        self.reading = Reading()
        self.leaves: list[Leaf] = []
        self.sealed: dict[int, Seal] = {}
        """Sealed thoughts, by their number."""
        self._unseen: list[str] = []
        self._thoughts = 0

    @override
    def enter(self, node: msgspec.Struct, at: str) -> msgspec.Struct:
        """Take note of what is no words."""
        match node:
            case Reasoning(seal=seal):
                self._thoughts = len(self.sealed) + 1 if seal is not None else 0
                if seal is not None:
                    self.sealed[self._thoughts] = seal
            case Inline():
                text = text_in(node)
                if text is not None:
                    self._add(text, Place("text", at))
                else:
                    self._unseen.append(at)
                    self._look_at_odd_data(node, at)
            case Link() | HostFile():
                self._unseen.append(at)
            case EmbeddingsInput(tokens=tokens) if tokens:
                self._unseen.append(at)
            case _:
                pass
        return node

    @override
    def words(self, text: str, kind: Kind, *, at: str) -> str:
        """Read a text."""
        self._add(text, Place(kind, at, self._thoughts if kind == "thought" else 0))
        return text

    @override
    def json(self, raw: msgspec.Raw, kind: Kind, *, at: str) -> msgspec.Raw:
        """Read a JSON value."""
        self._add(bytes(raw).decode("utf-8", "surrogatepass"), Place(kind, at, is_raw=True))
        return raw

    def add_surroundings(self, inquiry: Inquiry) -> None:
        """Read what stands around the body and may go along."""
        for name, value in (*inquiry.call.query.items(), *inquiry.call.headers.items()):
            self.reading.add(f"{name}: {value}", Place("fixed", name))

        if inquiry.run is not None and inquiry.run.looked_at and inquiry.asked.work is None:
            return  # the file that is named was read as it came; for which policy, the door has seen to
        self._unseen += [kind for kind, _ in inquiry.asked.host_ids if kind in CONTENT_KINDS and not self._unseen]

    def note_unseen(self, at: str) -> None:
        """Take note of something that nobody can look into."""
        self._unseen.append(at)

    def unseen_paths(self) -> list[str]:
        """Return where something stands that nobody can look into."""
        blobs = [words.place.at for words in self.reading.words if words.place.is_raw and _is_blob(words)]
        return list(dict.fromkeys((*self._unseen, *blobs)))

    def _look_at_odd_data(self, source: Inline, at: str) -> None:
        """Read what is no base64: a policy that lets pictures pass lets no words pass in their place."""
        if not _BASE64.fullmatch(source.data):
            self.reading.add(source.data, Place("fixed", at))

    def _add(self, text: str, place: Place) -> None:
        self.leaves.append(self.reading.add(text, place))


class Writing(Look):
    """Writes what every place has become, in the order in which `Gathering` has read them."""

    def __init__(self, leaves: list[Leaf]) -> None:
        self._leaves: Iterator[Leaf] = iter(leaves)

    @override
    def enter(self, node: msgspec.Struct, at: str) -> msgspec.Struct:
        """Write a text that came as a file."""
        if not isinstance(node, Inline) or text_in(node) is None:
            return node
        leaf = next(self._leaves)
        written = leaf.written
        if written is leaf.text:
            return node
        return msgspec.structs.replace(node, data=base64.b64encode(written.encode()).decode())

    @override
    def words(self, text: str, kind: Kind, *, at: str) -> str:
        """Write a text."""
        leaf = next(self._leaves)
        written = leaf.written
        return text if written is leaf.text else written

    @override
    def json(self, raw: msgspec.Raw, kind: Kind, *, at: str) -> msgspec.Raw:
        """Write a JSON value."""
        leaf = next(self._leaves)
        written = leaf.written
        return raw if written is leaf.text else msgspec.Raw(written.encode())


def text_in(source: Inline) -> str | None:
    """Return the words of a file; None where it is no text."""
    if not _READABLE.match(source.media_type):
        return None
    try:
        return base64.b64decode(source.data, validate=True).decode()
    except (binascii.Error, ValueError):  # not base64, or not UTF-8
        return None


def _is_blob(words: Words) -> bool:
    if words.is_number or _SEALED_NAME.search(words.key):
        return False
    return bool(_DATA_URL.match(words.text) or _BLOB.fullmatch(words.text))
