"""What of a request without a canonical form can guards look at? Members and fields, word by word, but no files.

Nothing of it can be hidden: what a policy hides elsewhere is refused here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from hortus.canon.dialect import Asked
from hortus.canon.form import Form
from hortus.gateway.guards.looking import Gathering

LOOKED_AT: Final = frozenset(
    (
        *("speech", "transcriptions", "translations", "images", "image_edits", "image_variations"),
        *("create_file", "create_upload", "add_upload_part", "complete_upload", "create_batch", "create_tuning_job"),
    )
)
"""Operations whose requests are their members and files, and nothing that stands elsewhere."""

_ELSEWHERE: Final = frozenset(("image", "images", "mask", "file_url"))
"""Members that are pictures and sound, by value or by address."""


def gather(look: Gathering, asked: Asked, lines: Sequence[bytes] | None = None) -> None:
    """Read all words of a request, and take note of its files; `lines` are those of its file, where they are JSON."""
    if asked.form is None:
        _gather_members(look, asked)
    else:
        _gather_parts(look, asked.form, is_file_read=lines is not None)
    if lines is not None:
        _gather_lines(look, asked, lines)


def _gather_parts(look: Gathering, form: Form, *, is_file_read: bool) -> None:
    for part in form.parts:
        look.words(part.name, "fixed", at="")
        if part.value is not None:
            look.words(part.value, "fixed", at=part.name)
        else:
            look.words(part.filename or "", "fixed", at=part.name)
        if not is_file_read and (part.value is None or part.name in _ELSEWHERE):
            look.note_unseen(part.name)


def _gather_lines(look: Gathering, asked: Asked, lines: Sequence[bytes]) -> None:
    for number, line in enumerate(lines, 1):
        look.json(msgspec.Raw(line), "fixed", at=f"line {number}")
    _note_pictures(look, asked, at="file")


def _gather_members(look: Gathering, asked: Asked) -> None:
    for name, raw in asked.members.items():
        look.words(name, "fixed", at="")
        look.json(raw, "fixed", at=name)
        if name in _ELSEWHERE:
            look.note_unseen(name)
    _note_pictures(look, asked, at="requests")


def _note_pictures(look: Gathering, asked: Asked, *, at: str) -> None:
    if asked.work is not None and asked.work.images + asked.work.documents:
        look.note_unseen(at)
