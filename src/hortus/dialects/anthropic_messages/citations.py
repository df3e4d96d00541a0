"""Where the words of an answer come from: citations in Anthropic's words.

Its places (`start_char_index`, `start_page_number`, …) lie in the cited document, not in the answer, so they mean
nothing to others and are kept as they came.
"""

from __future__ import annotations

from msgspec import Raw

from hortus.canon.parts import Citation
from hortus.dialects.anthropic_messages.pen import Object, Pen
from hortus.dialects.anthropic_messages.wire import NAME, CitationBlock, given
from hortus.framing.objects import word_of
from hortus.framing.opening import Notes

_WEB = "web_search_result_location"
_TITLED_DOCUMENT = "document_title"
_NO_QUOTE = "no_quote"


def read_citation(raw: Raw, *, at: str) -> Citation:
    """Return a citation of whatever type.

    Raises:
        InvalidRequest: A member is of the wrong type.
    """
    notes = Notes(NAME, at)
    block = notes.open(raw, CitationBlock)
    if block.type != _WEB:
        notes.form(f"type:{block.type}")
    if block.cited_text == "":
        notes.form(_NO_QUOTE)
    document = given(block.document_title)
    if document is not None:
        notes.form(_TITLED_DOCUMENT)
    return Citation(
        url=given(block.url),
        title=document if document is not None else given(block.title),
        quote=given(block.cited_text) or None,
        at=at,
        extras=notes.extras(),
    )


def write_citations(citations: tuple[Citation, ...], pen: Pen) -> list[Object]:
    """Return those citations that can be carried.

    A host checks the `encrypted_index` of what was found on the web, so towards hosts other dialects' are left out;
    clients only show them.
    """
    written = [_write_citation(one, pen) for one in citations] if pen.is_own or pen.is_answer else []
    return [one for one in written if one is not None]


def _write_citation(citation: Citation, pen: Pen) -> Object | None:
    names: dict[str, str | None] = {
        "cited_text": "" if pen.manifest.has_form(citation, _NO_QUOTE) else citation.quote,
        "url": citation.url,
    }
    names[_TITLED_DOCUMENT if pen.manifest.has_form(citation, _TITLED_DOCUMENT) else "title"] = citation.title
    block: Object = {"type": word_of(citation, "type:", dialect=NAME) or _WEB}
    block |= {name: value for name, value in names.items() if value is not None}
    if not pen.is_own:
        if citation.url is None:
            pen.manifest.lose(citation, "", "Anthropic has no citation of a page without its address.")
            return None
        block = {"cited_text": "", "title": None, "encrypted_index": ""} | block
    pen.manifest.take(citation, "url", "title", "quote")
    return pen.close(citation, block)
