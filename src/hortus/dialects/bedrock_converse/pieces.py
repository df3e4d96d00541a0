"""Lists of texts that are one text for others: joined, with a notation by which they are cut again."""

from __future__ import annotations

from collections.abc import Sequence

from hortus.canon.nodes import Node
from hortus.dialects.bedrock_converse.wire import NAME, TextItem
from hortus.framing.objects import word_of
from hortus.framing.opening import Notes

_PIECES = "pieces:"
"""Notation: the lengths of the texts, where they are not one."""


def join_pieces(items: Sequence[TextItem], notes: Notes) -> str:
    """Return the texts as one."""
    if len(items) != 1:
        notes.form(_PIECES + ",".join(str(len(item.text)) for item in items))
    return "".join(item.text for item in items)


def cut_pieces(text: str, node: Node) -> list[dict[str, str]]:
    """Return the list that a node's text was read from; a list of one where it came from elsewhere."""
    word = word_of(node, _PIECES, dialect=NAME)
    if word is None:
        return [{"text": text}]
    cut, start = [], 0
    for length in (int(one) for one in word.split(",") if one):
        cut.append({"text": text[start : start + length]})
        start += length
    return cut
