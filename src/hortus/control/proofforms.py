"""What the admin API takes and answers about proofs: exports of the chain, checkpoints, public keys, acts."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from hortus.control.models import Ask
from hortus.control.views import Instant, View

_LAST_SEQ = 2**63 - 1  # what a column of the store holds

Seq = Annotated[int, Field(ge=0, le=_LAST_SEQ, description="Place in the chain of receipts, counted from 1.")]


class ExportWanted(Ask):
    """Which records an export shows; entries between them stand in it as digests."""

    project: Annotated[str | None, Field(description="Only the records of this project; all where absent.")] = None
    since: Annotated[
        str | None, Field(description="From then on, as for usage: `7d`, `2026-11`, `2026-11-01T12:00`, milliseconds.")
    ] = None
    until: Annotated[str | None, Field(description="Likewise; a day, month or year is meant whole.")] = None


class LinesWanted(ExportWanted):
    """The next lines of an export that was begun with the same members."""

    after: Seq
    last: Seq
    limit: Annotated[int, Field(ge=1, le=2000, description="Most entries to return.")] = 500


class ExportView(View):
    """An export that begins: its first line, and the entries that follow."""

    head: Annotated[str, Field(description="First line of the file, signed.")]
    after: Seq
    last: Seq
    since_ms: Annotated[int | None, Field(description="What `since` means; ask for the lines with this.")] = None
    until_ms: Annotated[int | None, Field(description="What `until` means, likewise.")] = None


class LinesView(View):
    """Lines of an export."""

    lines: Annotated[list[str], Field(description="Lines of the file, as they are to be written.")]
    after: Annotated[int, Field(description="What to ask for next; the export is whole when it is `last`.")]


class ProofView(View):
    """A file to be held outside."""

    text: Annotated[str, Field(description="The file's content, JSON.")]


class ActsWanted(Ask):
    """Which acts to list, newest first."""

    kind: Annotated[str | None, Field(description="Of the object: `key`, `project`, `route`, …")] = None
    project: Annotated[str | None, Field(description="Name of the project that the object belongs to.")] = None
    before: Annotated[str | None, Field(description="Id of the last act of the page before.")] = None
    limit: Annotated[int, Field(ge=1, le=1000, description="Most acts to return.")] = 20


class FieldChangeView(View):
    """One field that was changed; values as JSON."""

    field: str
    before: str | None = None
    after: str | None = None


class ActView(View):
    """Who changed what, and when."""

    act_id: str
    at_ms: Instant
    by: Annotated[str, Field(description="`admin-token`, `socket`, `file` or `built-in`.")]
    operation: Annotated[str, Field(description="Of this API, by which it was done.")]
    change: Annotated[str, Field(description="`create`, `replace`, `retire`, `restore` or `revoke`.")]
    kind: Annotated[str, Field(description="Of the object.")]
    name: Annotated[str, Field(description="Of the object; a key's is its id.")]
    project: str | None = None
    fields: tuple[FieldChangeView, ...] = ()
    seq: Annotated[int | None, Field(description="Its place in the chain; null for the moment before it has one.")] = (
        None
    )


class ActList(View):
    """Acts, newest first."""

    acts: list[ActView]
