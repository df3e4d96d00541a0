"""How do words that people gave stand in a model card, so that they are read as words and as nothing else?

Markdown's signs are escaped as CommonMark has it (https://spec.commonmark.org/, recalled 2026-11). Code stays code, and
what hubs turn into links by themselves becomes code, where they do not.
"""

from __future__ import annotations

import re

_PIECE = re.compile(r"(?P<code>`[^`|\\\s][^`|\\]*`)|(?P<run>[^\s`|\\]+)|(?P<other>.)", re.DOTALL)
_ADDRESS = re.compile(r"://|www\.|@|mailto:|xmpp:", re.IGNORECASE)
_SIGNS = re.compile(r"[\\*_\[\]<~$]|&(?=#?\w+;)")
_BLOCK = re.compile(r"\d*(?=[.)])|(?=[-+=:#>])")
"""What begins a list, a rule, a quotation or a heading where a line begins with it."""

_BREAK = re.compile(r"\n\s*\n")
_NAMED = {"`": "&#96;", "|": "&#124;"}
"""Signs that no escape keeps apart from code and cells in every reader."""


def inline(text: str) -> str:
    r"""Return words for a line of a list or a paragraph.

    >>> inline("- 1_000 [pages](https://pages.example) <b>")
    '\\- 1\\_000 `[pages](https://pages.example)` \\<b>'
    """
    words = cell(text)
    begun = _BLOCK.match(words)
    return words if begun is None else f"{begun[0]}\\{words[begun.end() :]}"


def cell(text: str) -> str:
    """Return words for a cell of a table."""
    return "".join(map(_shown, _PIECE.finditer(" ".join(text.split()))))


def paragraphs(text: str) -> str:
    """Return words for paragraphs of their own; an empty line parts them, as in what was given."""
    return "\n\n".join(filter(None, map(inline, _BREAK.split(text))))


def _shown(piece: re.Match[str]) -> str:
    text = piece[0]
    if piece["code"]:
        return text
    if piece["run"] and _ADDRESS.search(text):
        return f"`{text}`"
    return _NAMED.get(text) or _SIGNS.sub(r"\\\g<0>", text)
