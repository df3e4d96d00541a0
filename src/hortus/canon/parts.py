"""What can a message consist of? Text, media, calls and results of tools, reasoning, refusals, and the opaque."""

from __future__ import annotations

from typing import Literal

import msgspec

from hortus.canon.nodes import CacheHint, Node, Seal


class Inline(msgspec.Struct, frozen=True, tag="inline", tag_field="source"):
    """Bytes in the request: `data` is base64 (standard alphabet, padded) as sent."""

    media_type: str
    data: str


class Link(msgspec.Struct, frozen=True, tag="link", tag_field="source"):
    """An address that the host fetches; Hortus never does."""

    url: str
    media_type: str | None = None


class HostFile(msgspec.Struct, frozen=True, tag="file", tag_field="source"):
    """A file that the host already has, by the id or URI it gave out."""

    id: str
    media_type: str | None = None


class Plain(msgspec.Struct, frozen=True, tag="plain", tag_field="source"):
    """A document given as its text."""

    text: str


Source = Inline | Link | HostFile | Plain
MediaKind = Literal["image", "audio", "video", "document"]


class Citation(Node, frozen=True, tag="citation"):
    """Where a text (or a stretch of it) comes from.

    Attributes:
        url: Of the page, None for a document of the request.
        quote: The words that are cited.
        start: First character of the stretch in the text it stands at, `end` the first one after it.
    """

    url: str | None = None
    title: str | None = None
    quote: str | None = None
    start: int | None = None
    end: int | None = None


class Text(Node, frozen=True, tag="text"):
    """Words."""

    text: str
    citations: tuple[Citation, ...] = ()
    seal: Seal | None = None
    cache: CacheHint | None = None


class Media(Node, frozen=True, tag="media"):
    """An image, sound, film or document.

    Attributes:
        detail: How closely to look: `low`, `high`, `auto`.
        name: File name or title.
    """

    kind: MediaKind
    source: Source
    detail: str | None = None
    name: str | None = None
    seal: Seal | None = None
    cache: CacheHint | None = None


class ToolCall(Node, frozen=True, tag="tool_call"):
    """The model asks for a function of the client.

    Attributes:
        id: Names the call for its result; dialects without ids get `call_<number>` within the request, or one made
            from the answer's id.
        arguments: JSON text as the model wrote it (possibly not valid JSON); `{}` where it gave none.
    """

    id: str
    name: str
    arguments: str
    seal: Seal | None = None
    cache: CacheHint | None = None


class Reasoning(Node, frozen=True, tag="reasoning"):
    """What the model thought before it answered.

    Attributes:
        texts: The thoughts themselves, in pieces.
        summary: Their summary, in pieces.
        is_redacted: The thoughts are in the seal alone.
    """

    texts: tuple[str, ...] = ()
    summary: tuple[str, ...] = ()
    seal: Seal | None = None
    is_redacted: bool = False


class Refusal(Node, frozen=True, tag="refusal"):
    """The model's words for not answering."""

    text: str


class Opaque(Node, frozen=True, tag="opaque"):
    """A part, item or block that only its own dialect understands (calls of tools that the host runs, for instance).

    Attributes:
        kind: Its name in that dialect, such as `web_search_call`.
        raw: The whole of it, byte for byte.
    """

    dialect: str
    kind: str
    raw: msgspec.Raw


class ToolResult(Node, frozen=True, tag="tool_result"):
    """What a tool of the client gave back; stands in a message of the user.

    Attributes:
        call_id: Of the call that it answers.
        name: Of the function, where the source says it.
        parts: Text, media, opaque. A result that is a JSON value is a text of that JSON.
    """

    call_id: str
    parts: tuple[Text | Media | Opaque, ...]
    name: str | None = None
    is_error: bool = False
    cache: CacheHint | None = None


Part = Text | Media | ToolCall | ToolResult | Reasoning | Refusal | Opaque
