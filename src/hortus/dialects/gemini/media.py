"""Pictures, sounds, films and documents: bytes inline, files that Google has, and addresses that it fetches.

https://ai.google.dev/gemini-api/docs/file-input-methods, read 2026-11.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from typing import assert_never

from hortus.canon.nodes import Node
from hortus.canon.parts import HostFile, Inline, Link, Media, MediaKind, Plain, Source
from hortus.dialects.gemini.members import Object, Opened, Pen, forms_of

_FILE = re.compile(r"gs://|files/|https://generativelanguage\.googleapis\.com/")
"""What only Google can read: a bucket of the account, or a file that was uploaded to it."""

_FILMS = re.compile(r"https://(?:[a-z]+\.)?(?:youtube\.com|youtu\.be)/")

_KINDS: Mapping[str, MediaKind] = {"image": "image", "audio": "audio", "video": "video"}

_TYPES: Mapping[str, str] = {
    "png": "image/png",
    "jpg": "image/jpeg",
    "jpeg": "image/jpeg",
    "webp": "image/webp",
    "gif": "image/gif",
    "pdf": "application/pdf",
    "txt": "text/plain",
    "mp3": "audio/mp3",
    "wav": "audio/wav",
    "mp4": "video/mp4",
}
"""Media type by the ending of an address, which must be said with it."""

_UNTYPED = (
    "Gemini must be told the media type of an address, and this one's ending does not say it: send it inline (base64)."
)
_FOREIGN = "Only the host that gave out a file's id can read it: send the file inline (base64)."


def is_file(uri: str) -> bool:
    """Tell whether a URI names what only Google can read."""
    return _FILE.match(uri) is not None


def read_source(wire: Opened) -> tuple[MediaKind, Source, str | None]:
    """Return kind, source and name of the `inlineData` or `fileData` of a part."""
    inline = wire.inner("inlineData")
    if inline is not None:
        media_type = inline.word("mimeType")
        data = _standard(inline.word("data"), wire)
        return _kind(media_type), Inline(media_type=media_type, data=data), inline.text("displayName")
    file = wire.needed("fileData")
    uri, given = file.word("fileUri"), file.text("mimeType")
    kind = "video" if given is None and _FILMS.match(uri) else _kind(given or "")
    source: Source = HostFile(id=uri, media_type=given) if is_file(uri) else Link(url=uri, media_type=given)
    return kind, source, file.text("displayName")


def write_source(media: Media, pen: Pen) -> Object | None:
    """Return the member that holds the source of a medium, None where it cannot be carried."""
    pen.manifest.take(media, "kind")
    member, body = _write_source(media, pen)
    if not body:
        return None
    pen.manifest.take(media, "source")
    if media.name is not None and pen.is_own:
        pen.manifest.take(media, "name")
        body["displayName"] = media.name
    return {member: body}


def _write_source(media: Media, pen: Pen) -> tuple[str, dict[str, str]]:
    """Return the member for the source, empty where it cannot be carried."""
    match media.source:
        case Inline(media_type, data):
            return "inlineData", {"mimeType": media_type, "data": _as_it_was(data, media)}
        case Plain(text):
            return "inlineData", {"mimeType": "text/plain", "data": base64.b64encode(text.encode()).decode()}
        case HostFile(file_id, media_type) if pen.is_own:
            return "fileData", _file(file_id, media_type)
        case HostFile():
            pen.manifest.lose(media, "source", _FOREIGN)
            return "fileData", {}
        case Link():
            return "fileData", _write_link(media, media.source, pen=pen)
        case _:
            assert_never(media.source)


def _write_link(media: Media, source: Link, *, pen: Pen) -> dict[str, str]:
    media_type = source.media_type or (None if pen.is_own else _type_of(source.url))
    if media_type is None and not pen.is_own and not _FILMS.match(source.url):
        pen.manifest.lose(media, "source", _UNTYPED)
        return {}
    return _file(source.url, media_type)


def _file(uri: str, media_type: str | None) -> dict[str, str]:
    return {"fileUri": uri} if media_type is None else {"fileUri": uri, "mimeType": media_type}


def _kind(media_type: str) -> MediaKind:
    return _KINDS.get(media_type.partition("/")[0], "document")


def _type_of(url: str) -> str | None:
    path = re.split(r"[?#]", url, maxsplit=1)[0]
    return _TYPES.get(path.rpartition(".")[2].lower())


def _standard(data: str, wire: Opened) -> str:
    """Return base64 in the standard alphabet, padded; Google's own SDKs send the one that is safe in addresses."""
    if "-" in data or "_" in data:
        wire.form("urlsafe")
        data = data.replace("-", "+").replace("_", "/")
    lacking = 0 if data.endswith("=") else -len(data) % 4
    if lacking:
        wire.form("unpadded")
    return data + "=" * lacking


def _as_it_was(data: str, node: Node) -> str:
    forms = forms_of(node)
    if "unpadded" in forms:
        data = data.rstrip("=")
    return data.replace("+", "-").replace("/", "_") if "urlsafe" in forms else data
