"""Where the words of an answer come from: citations in Bedrock's words.

The places in a document (`documentChar`, `documentPage`, …) lie in the cited one, not in the answer, so they mean
nothing to others and are kept as they came.
"""

from __future__ import annotations

import msgspec
from msgspec import Raw

from hortus.canon.parts import Citation
from hortus.dialects.bedrock_converse.pen import Object, Pen
from hortus.dialects.bedrock_converse.pieces import cut_pieces, join_pieces
from hortus.dialects.bedrock_converse.wire import NAME, CitationObject, given
from hortus.framing.opening import Notes
from hortus.framing.reading import read_open

_NO_QUOTE = "no_quote"
"""Notation: the list of cited words is there, and empty of words."""


class _Web(msgspec.Struct, frozen=True):
    url: str | None = None


class _Location(msgspec.Struct, frozen=True):
    web: _Web | None = None


def read_citation(raw: Raw, *, at: str) -> Citation:
    """Return a citation.

    Raises:
        InvalidRequest: A member is of the wrong type.
    """
    notes = Notes(NAME, at)
    wire = notes.open(raw, CitationObject)
    items = given(wire.source_content)
    quote = None if items is None else join_pieces(items, notes)
    if quote == "":
        notes.form(_NO_QUOTE)
    url = None
    location = given(wire.location)
    if location is not None:
        web = read_open(location, _Location, at=f"{at}.location")[0].web
        url = web.url if web is not None else None
        (notes.hush if url is not None else notes.keep)("location", location)
    return Citation(url=url, title=given(wire.title), quote=quote or None, at=at, extras=notes.extras())


def write_citations(citations: tuple[Citation, ...], pen: Pen) -> list[Object]:
    """Return those citations that can be carried: of another host's, those that say more than a stretch."""
    return [_write_citation(one, pen) for one in citations if pen.is_own or one.url or one.title or one.quote]


def _write_citation(citation: Citation, pen: Pen) -> Object:
    block: Object = {}
    if citation.title is not None:
        block["title"] = citation.title
    if citation.quote is not None or pen.manifest.has_form(citation, _NO_QUOTE):
        block["sourceContent"] = cut_pieces(citation.quote or "", citation)
    if citation.url is not None and "location" not in pen.manifest.silent(citation):
        block["location"] = {"web": {"url": citation.url}}
    pen.manifest.take(citation, "url", "title", "quote")
    return pen.close(citation, block)
