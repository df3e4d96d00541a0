"""Where the words of an answer come from: a list beside the content, each naming its block and stretch.

A source is a document of the request or the output of a tool; where it says an address and a title, others get those.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from msgspec import UNSET, Raw
from msgspec.structs import replace

from hortus.canon.parts import Citation, Part, Text
from hortus.dialects.cohere_v2.pen import Object, Pen, notes_at
from hortus.dialects.cohere_v2.wire import CitationObject, given
from hortus.framing.counting import UNREADABLE
from hortus.framing.opening import Notes

_OF_TEXT = frozenset((None, "TEXT_CONTENT"))


class _Page(msgspec.Struct):
    url: object = None
    title: object = None
    snippet: object = None


class _Source(msgspec.Struct):
    document: _Page | None = None
    tool_output: _Page | None = None


_DECODE_SOURCES = msgspec.json.Decoder(list[_Source]).decode
_ENCODE = msgspec.json.Encoder().encode


def read_citation(raw: Raw, *, at: str) -> tuple[Citation, int | None] | None:
    """Return a citation of an answer's words and the block that it says, None where it cites a plan or thoughts.

    Raises:
        InvalidRequest: A member is of the wrong type.
    """
    notes = notes_at(at)
    found = notes.open(raw, CitationObject)
    if given(found.type) not in _OF_TEXT:
        return None
    for name in ("type", "content_index", "text", "sources"):
        if getattr(found, name) is UNSET:
            notes.form(f"-{name}")
    for name, value in (("text", found.text), ("sources", found.sources)):
        if isinstance(value, Raw):
            (notes.keep if name == "sources" else notes.hush)(name, value)
    page = _page_in(found.sources) if isinstance(found.sources, Raw) else _Page()
    citation = Citation(
        url=_text(page.url),
        title=_text(page.title),
        quote=_text(page.snippet),
        start=given(found.start),
        end=given(found.end),
        at=at,
        extras=notes.extras(),
    )
    return citation, given(found.content_index)


def cite(parts: Sequence[Part], raws: list[Raw], notes: Notes, *, at: str) -> list[Part]:
    """Return a content's parts with their citations; where one belongs to none of them, all are kept as they came.

    Args:
        parts: One for each block.
        raws: The citations.
        notes: Of the message.
        at: Path of the list.
    """
    cited = list(parts)
    first = next((index for index, part in enumerate(parts) if isinstance(part, Text)), -1)
    last = -1
    for number, raw in enumerate(raws):
        read = read_citation(raw, at=f"{at}[{number}]")
        index = -1 if read is None else first if read[1] is None else read[1]
        part = cited[index] if last <= index < len(cited) and index >= 0 else None
        if read is None or not isinstance(part, Text):
            notes.keep("citations", Raw(_ENCODE(raws)))
            return list(parts)
        last = index
        cited[index] = replace(part, citations=(*part.citations, read[0]))
    return cited


def write_citation(citation: Citation, pen: Pen, *, text: str, block: int) -> Object:
    """Return a citation of the words in `text`, which stand in the block of this number."""
    pen.manifest.take(citation, "url", "title", "quote", "start", "end")
    start, end = citation.start, citation.end
    written: Object = {}
    if pen.is_own:
        written |= {name: value for name, value in (("start", start), ("end", end)) if value is not None}
        return pen.close(citation, written | {"content_index": block, "type": "TEXT_CONTENT"})
    start, end = start or 0, len(text) if end is None else end
    named = (("url", citation.url), ("title", citation.title), ("snippet", citation.quote))
    document = {name: value for name, value in named if value is not None}
    source = {"type": "document", "id": citation.url or citation.title or "", "document": document}
    written = {"start": start, "end": end, "text": text[start:end], "sources": [source]}
    return written | {"content_index": block, "type": "TEXT_CONTENT"}


def _page_in(sources: Raw) -> _Page:
    try:
        found = _DECODE_SOURCES(sources)
    except UNREADABLE:
        return _Page()
    pages = (source.document or source.tool_output or _Page() for source in found)
    return next(pages, _Page())


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None
