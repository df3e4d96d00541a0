"""`hortus receipts export`, `verify`, `checkpoint`, `public-key`, `check-content`: proofs that nothing was changed."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from hortus.base.errors import HortusError, InstallationError
from hortus.cli.admin import Admin
from hortus.cli.exports import (
    JSONL,
    PARQUET,
    entries_bar,
    export_lines,
    is_parquet,
    parquet_library,
    write_export,
)
from hortus.cli.keptproofs import check_kept
from hortus.cli.screen import Column, fail, note, show_facts, show_json, show_line, show_table
from hortus.receipts.digests import is_content
from hortus.receipts.records import Receipt
from hortus.receipts.trust import NotTrusted, read_trust
from hortus.receipts.verdict import Fault, Trust, Verdict
from hortus.receipts.verifying import NotAnExport, verify

TAMPERED, CANNOT_TELL = 1, 2
"""Exit codes of `verify`, beside 0: whole."""

_MOST_SHOWN = 20
_CHUNK_BYTES = 1024 * 1024

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Out = Annotated[Path | None, typer.Option("--out", help="Write this file; else standard output.")]


class Form(StrEnum):
    """How an export is written."""

    JSONL = JSONL
    PARQUET = PARQUET


def export(
    file: Annotated[Path, typer.Argument(help="The file to write; one that is there is replaced.")],
    *,
    since: Annotated[str | None, typer.Option(help="From then on: 7d, 2026, 2026-11, 2026-11-01T12:00.")] = None,
    until: Annotated[str | None, typer.Option(help="Likewise; a day, month or year is meant whole.")] = None,
    project: Annotated[str | None, typer.Option(help="Only this project's records; others stand as digests.")] = None,
    form: Annotated[
        Form | None, typer.Option("--format", help="By the file's name if not given; Parquet needs hortus\\[export].")
    ] = None,
    json: AsJson = False,
) -> None:
    """Write receipts and acts into a file that proves itself: `hortus receipts verify` needs nothing else."""
    chosen = form or (Form.PARQUET if file.suffix == ".parquet" else Form.JSONL)
    wanted = {"project": project, "since": since, "until": until}
    with entries_bar("entries") as on_progress:
        count = write_export(Admin.here(), file.absolute(), wanted=wanted, form=chosen, on_progress=on_progress)
    if json:
        show_json({"file": str(file), "format": chosen, "entries": count})
    else:
        note(f"{count} entries are in {file}. `hortus receipts verify {file} --checkpoint FILE` proves them anywhere.")


def check(
    file: Annotated[Path, typer.Argument(help="An export, of either form.")],
    *,
    checkpoint: Annotated[
        list[Path] | None, typer.Option(help="A checkpoint that was held outside; repeat it.")
    ] = None,
    public_key: Annotated[
        list[Path] | None, typer.Option(help="Public keys of the installation, from outside; repeat it.")
    ] = None,
    json: AsJson = False,
) -> None:
    """Tell whether an export is what was written: 0 whole, 1 tampered with, 2 it cannot be told. Needs no Hortus."""
    try:
        trust = _read_trust(checkpoint or (), public_key or ())
        verdict = _judge(file, trust)
    except HortusError as error:
        fail(error)
        raise typer.Exit(CANNOT_TELL) from error
    if json:
        show_json(verdict)
    else:
        _show(verdict, file)
    raise typer.Exit({"whole": 0, "tampered": TAMPERED}.get(verdict.status, CANNOT_TELL))


def make_checkpoint(*, out: Out = None) -> None:
    """Write a signed statement of where the receipts stand now; hold it where Hortus' owner cannot change it."""
    _hand_out(Admin.here().proof("checkpoint"), out, "checkpoint")


def show_public_key(*, out: Out = None) -> None:
    """Write the public keys by which checkpoints and exports are judged; hold them outside."""
    _hand_out(Admin.here().proof("public-keys"), out, "public keys")


def check_content(
    receipt_id: Annotated[str, typer.Argument(help="The receipt: an answer's header hortus-receipt.")],
    file: Annotated[
        Path | None, typer.Argument(help="The body of the request or of the answer, byte for byte; else what is kept.")
    ] = None,
    *,
    json: AsJson = False,
) -> None:
    """Tell whether a body, or what is kept of content, is the one that a receipt is about: 0 it is, 1 it is not."""
    admin = Admin.here()
    receipt = msgspec.json.decode(admin.receipt(receipt_id), type=Receipt)
    digests = [("request", receipt.request_digest)]
    digests += [(f"answer of attempt {one.number}", one.answer_digest) for one in receipt.attempts]
    known = [(name, digest) for name, digest in digests if digest is not None]
    if not known:
        raise InstallationError("this receipt holds no digests of content.", path=receipt_id)
    if file is None:
        check_kept(admin, receipt_id, known, as_json=json)
        return
    try:
        found = next((name for name, digest in known if is_content(_parts(file), digest)), None)
    except OSError as error:
        raise _unreadable(file, error) from error
    if json:
        show_json({"receipt_id": receipt_id, "is": found})
    elif found is not None:
        show_line(f"{file} is the {found} of {receipt_id}.")
    else:
        show_line(f"{file} is neither request nor answer of {receipt_id}.")
    raise typer.Exit(0 if found is not None else 1)


def _read_trust(checkpoints: Sequence[Path], keys: Sequence[Path]) -> Trust:
    contents: dict[Path, bytes] = {}
    for file in (*checkpoints, *keys):
        try:
            contents[file] = file.read_bytes()
        except OSError as error:
            raise _unreadable(file, error) from error
        try:
            is_key = file in keys and file not in checkpoints
            read_trust(() if is_key else (contents[file],), (contents[file],) if is_key else ())
        except NotTrusted as error:
            raise InstallationError(f"{error}.", path=str(file), hint="Take the file as it was written.") from error
    return read_trust([contents[file] for file in checkpoints], [contents[file] for file in keys])


def _judge(file: Path, trust: Trust) -> Verdict:
    try:
        verdict = verify(export_lines(file), trust)
        if is_parquet(file):
            verdict = _with_columns(verdict, parquet_library().differing_rows(file))
    except OSError as error:
        raise _unreadable(file, error) from error
    except NotAnExport as error:
        raise InstallationError(f"this is no export: {error}.", path=str(file)) from error
    return verdict


def _with_columns(verdict: Verdict, differing: Sequence[int]) -> Verdict:
    if not differing:
        return verdict
    faults = tuple(Fault(0, "its columns are not what its record says", seq) for seq in differing)
    return msgspec.structs.replace(verdict, status="tampered", faults=(*verdict.faults, *faults))


def _show(verdict: Verdict, file: Path) -> None:
    show_facts(_facts_of(verdict, file))
    if verdict.faults:
        show_line("")
        columns = [
            Column("line", is_number=True), Column("entry", is_number=True), Column("record"), Column("what is wrong"),
        ]  # fmt: skip
        shown = verdict.faults[:_MOST_SHOWN]
        show_table(columns, [(one.line or None, one.seq, one.record, one.why) for one in shown])
        more = len(verdict.faults) - len(shown) + verdict.more_faults
        if more:
            note(f"{more} more: --json lists them.")
    if verdict.status == "cannot_tell":
        note("Nothing in it contradicts itself, but anybody could have written it: give --checkpoint or --public-key.")


def _facts_of(verdict: Verdict, file: Path) -> Iterator[tuple[str, object]]:
    words = {"whole": "whole", "tampered": "TAMPERED WITH", "cannot_tell": "cannot be told"}
    yield "file", file
    yield "is", words[verdict.status]
    yield "installation", verdict.installation
    yield "entries", f"{verdict.first_seq} to {verdict.last_seq}"
    yield "shown", f"{verdict.receipts} receipts, {verdict.acts} acts"
    yield "as digests", verdict.digests or None
    yield "gone by retention", verdict.gone or None
    yield "proven", _say_proven(verdict)
    yield "signed", f"up to entry {verdict.signed_to}, by a key known from outside" if verdict.signed_to else None
    for text in verdict.notes:
        yield "note", text


def _say_proven(verdict: Verdict) -> str:
    if verdict.proven_to is None:
        return "nothing: no checkpoint from outside speaks of what is here"
    if verdict.proven_to >= verdict.last_seq:
        return f"all, up to entry {verdict.proven_to}, by a checkpoint from outside"
    first = f"up to entry {verdict.proven_to}, by a checkpoint from outside"
    return f"{first}; from entry {verdict.proven_to + 1} on, whoever holds the key could have written it anew"


def _hand_out(text: str, out: Path | None, what: str) -> None:
    if out is None:
        sys.stdout.write(text + "\n")
        return
    try:
        out.write_text(text + "\n", "utf-8")
    except OSError as error:
        raise InstallationError(f"cannot be written: {error.strerror}.", path=str(out)) from error
    note(f"The {what} lies in {out}. Hold it where nobody who runs Hortus can change it.")


def _parts(file: Path) -> Iterator[bytes]:
    with file.open("rb") as opened:
        yield from iter(lambda: opened.read(_CHUNK_BYTES), b"")


def _unreadable(file: Path, error: OSError) -> InstallationError:
    return InstallationError(f"cannot be read: {error.strerror}.", path=str(file))
