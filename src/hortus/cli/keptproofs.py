"""Is what is kept of content still what a receipt is about, and if nothing is: was it erased, and when?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec
import typer

from hortus.access.acts import FieldChange
from hortus.base.time import format_utc
from hortus.cli.admin import Admin
from hortus.cli.contentfile import Kept, bytes_of
from hortus.cli.screen import show_json, show_line
from hortus.receipts.digests import is_content

_MOST_ACTS = 1000


class _Act(msgspec.Struct):
    at_ms: int
    by: str
    change: str
    fields: tuple[FieldChange, ...] = ()


def check_kept(admin: Admin, receipt_id: str, digests: Sequence[tuple[str, str]], *, as_json: bool) -> None:
    """Tell whether what is kept of an exchange is what its receipt's digests were made of.

    Args:
        admin: Reads it, which is an act.
        receipt_id: The receipt.
        digests: Of the receipt, by what each is of.
        as_json: Whether to print JSON.

    Raises:
        Exit: With 0 where all that is kept is, with 1 where it is not or nothing is kept.
    """
    found = admin.read_content([receipt_id])
    if not found:
        _tell_gone(receipt_id, _erasure(admin, receipt_id), as_json=as_json)
        raise typer.Exit(1)
    kept = msgspec.json.decode(found[0], type=Kept)
    verdicts = {name: _find(body, digests) for name, body in _bodies(kept)}
    if as_json:
        show_json({"receipt_id": receipt_id, "kept": verdicts})
    for name, verdict in () if as_json else verdicts.items():
        show_line(
            f"The kept {name} is the {verdict} of {receipt_id}." if verdict else f"The kept {name} is NOT its own."
        )
    if not verdicts and not as_json:
        show_line("It was too long: it is kept without its words.")
    raise typer.Exit(0 if all(verdicts.values()) else 1)


def _bodies(kept: Kept) -> Iterator[tuple[str, bytes]]:
    for name, text in (("request", kept.request), ("answer", kept.answer)):
        if text is not None:
            yield name, bytes_of(text, kept.encoding)


def _find(body: bytes, digests: Sequence[tuple[str, str]]) -> str | None:
    return next((name for name, digest in digests if is_content((body,), digest)), None)


def _erasure(admin: Admin, receipt_id: str) -> _Act | None:
    """Return the act by which it was erased, None where there is none among the newest."""
    acts = (msgspec.json.decode(raw, type=_Act) for raw in admin.acts({"kind": "content", "limit": _MOST_ACTS}))
    return next((one for one in acts if one.change == "erase" and _names(one, receipt_id)), None)


def _names(act: _Act, receipt_id: str) -> bool:
    return any(f'"{receipt_id}"' in (field.before or "") for field in act.fields)


def _tell_gone(receipt_id: str, act: _Act | None, *, as_json: bool) -> None:
    if as_json:
        erased = None if act is None else {"at_ms": act.at_ms, "by": act.by}
        show_json({"receipt_id": receipt_id, "kept": None, "erased": erased})
    elif act is not None:
        show_line(f"Nothing is kept of {receipt_id}: it was erased on {format_utc(act.at_ms)[:19]} UTC by {act.by}.")
    else:
        show_line(f"Nothing is kept of {receipt_id}: it is over its time, or never was kept.")
