"""Is an export what the ledger wrote: every record, every hash, every signature, and what is known from outside.

Works on the lines of the file alone: no store, no home, no network, no clock. Never trusts a key because the file names
it: what no checkpoint or key from outside confirms is reported as what cannot be told.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

import msgspec

from hortus.base.time import format_utc
from hortus.receipts.chain import HASH_BYTES, KINDS, Begin, digest_of, link
from hortus.receipts.checkpoint import NOT_READABLE, Checkpoint, Signed, Span, Stub, is_signed, read_statement
from hortus.receipts.exporting import EXPORT_FORMAT, GONE, Footing, Head, Line, Tail, spell
from hortus.receipts.verdict import Fault, Trust, Verdict

MOST_FAULTS = 1000
"""Faults that are listed; the others are counted."""

_MOST_MISSING = 100_000  # numbers of entries that are remembered, to tell what is doubled from what is out of order
_RECENT = 3  # a checkpoint stands right after what it speaks of, or after the beginning of a segment between


class NotAnExport(ValueError):  # noqa: N818 -- an answer of the verifier
    """The first line is not that of an export of this format."""


def verify(lines: Iterable[bytes], trust: Trust) -> Verdict:
    """Check an export.

    Args:
        lines: Of the file, with their line breaks.
        trust: What is known from outside.

    Raises:
        NotAnExport: It does not begin as one.
    """
    verifier = Verifier(trust)
    for line in lines:
        verifier.feed(line)
    return verifier.finish()


class _Ids(msgspec.Struct):
    receipt_id: str | None = None
    act_id: str | None = None


class Verifier:
    """Takes an export line by line. Raises NotAnExport from `feed` and `finish` where it is none."""

    def __init__(self, trust: Trust) -> None:
        self._trust = trust
        self._marks: dict[int, list[Checkpoint]] = {}
        self._span: Span | None = None
        self._footing = Footing()
        self._lines = 0
        self._has_ended = False
        self._next_seq = 0
        self._candidates: tuple[bytes, ...] = ()
        self._recent: deque[tuple[int, bytes]] = deque(maxlen=_RECENT)
        self._missing: set[int] = set()
        self._faults: list[Fault] = []
        self._more_faults = 0
        self._notes: dict[str, None] = {}
        self._proven_to: int | None = None
        self._signed_to: int | None = None
        self._is_in_doubt = False
        self._counts = dict.fromkeys(("receipt", "act", "digest", GONE), 0)

    def feed(self, line: bytes) -> None:
        """Take the next line with its line break."""
        self._lines += 1
        if self._span is None:
            self._take_head(line)
        elif self._has_ended:
            self._fault("something stands after the last line")
        elif line.startswith(b'{"end"'):
            self._take_tail(line)
        else:
            self._take_entry(line)
        self._footing.add(line)

    def finish(self) -> Verdict:
        """Return what was found; no line follows."""
        span = self._span
        if span is None:
            raise NotAnExport("the file is empty")
        if not self._has_ended:
            self._fault("the file is cut: its last line is missing")
        if self._next_seq <= span.last_seq:
            self._fault(f"entries {_span(self._next_seq, span.last_seq)} are missing at the end")
        elif not self._faults and span.hash not in {one.hex() for one in self._candidates}:
            self._fault("the chain ends with another hash than the first line says", seq=span.last_seq)
        shown = self._counts["receipt"] + self._counts["act"]
        if shown != span.shown and not self._faults:
            self._fault(f"{shown} records are shown, but the first line says {span.shown}")
        self._judge_marks(span)
        return Verdict(
            status=self._status(),
            faults=tuple(self._faults),
            more_faults=self._more_faults,
            installation=span.installation,
            first_seq=span.first_seq,
            last_seq=span.last_seq,
            proven_to=self._proven_to,
            signed_to=self._signed_to,
            receipts=self._counts["receipt"],
            acts=self._counts["act"],
            digests=self._counts["digest"],
            gone=self._counts[GONE],
            notes=tuple(self._notes),
        )

    def _status(self) -> str:
        if self._faults:
            return "tampered"
        is_anchored = self._proven_to is not None or self._signed_to is not None
        return "whole" if is_anchored and not self._is_in_doubt else "cannot_tell"

    def _take_head(self, line: bytes) -> None:
        try:
            head = _HEAD.decode(line)
        except NOT_READABLE as error:
            raise NotAnExport("its first line is not that of an export of receipts") from error
        statement = read_statement(head.signed)
        if head.format != EXPORT_FORMAT or not isinstance(statement, Span):
            raise NotAnExport(f"its first line is not that of an export of format {EXPORT_FORMAT}")
        self._span = statement
        if msgspec.json.encode(head) + b"\n" != line:
            self._fault("the first line is not spelled as it was written")
        before = _from_hex(statement.previous)
        self._next_seq = statement.first_seq
        self._candidates = () if before is None else (before,)
        self._marks = self._marks_of(statement)
        if before is not None:
            self._stand(statement.first_seq - 1, before)
        if self._is_confirmed(head.signed, "the first line"):
            self._signed_to = statement.last_seq

    def _marks_of(self, span: Span) -> dict[int, list[Checkpoint]]:
        """Return the checkpoints from outside that speak of this installation, by their places."""
        marks: dict[int, list[Checkpoint]] = {}
        for one in self._trust.checkpoints:
            if one.installation == span.installation:
                marks.setdefault(one.seq, []).append(one)
            else:
                self._notes[f"the checkpoint of {format_utc(one.at_ms)} is another installation's; it is not used"] = (
                    None
                )
        return marks

    def _take_entry(self, line: bytes) -> None:
        try:
            entry = _LINE.decode(line)
        except NOT_READABLE:
            self._fault("it is no entry of an export", seq=self._next_seq)
            self._candidates = ()
            return
        if spell(entry) != line:
            self._fault("it is not spelled as it was written", seq=entry.seq)
        if not self._is_in_turn(entry):
            return
        if entry.kind == GONE:
            self._take_gone(entry)
        else:
            self._take_link(entry)

    def _take_link(self, entry: Line) -> None:
        entry_hash, digest = _from_hex(entry.hash), self._digest_of(entry)
        if digest is None or entry_hash is None or entry.kind not in KINDS:
            self._fault("the record is missing" if entry.missing else "it is no entry of an export", entry)
            self._go_on(entry.seq, () if entry_hash is None else (entry_hash,))
            return
        self._check_hash(entry, digest, entry_hash=entry_hash)
        self._take_record(entry)
        self._stand(entry.seq, entry_hash)

    def _is_in_turn(self, entry: Line) -> bool:
        if entry.seq < self._next_seq:
            is_late = entry.seq in self._missing
            self._missing.discard(entry.seq)
            self._fault("it is out of order" if is_late else "it stands there twice", entry)
            return False
        if entry.seq > self._next_seq:
            last = entry.seq - 1
            self._fault(f"entries {_span(self._next_seq, last)} are missing before it", entry)
            self._missing.update(range(self._next_seq, min(last, self._next_seq + _MOST_MISSING) + 1))
            self._candidates = ()
        return True

    def _digest_of(self, entry: Line) -> bytes | None:
        if entry.record:
            return digest_of(bytes(entry.record))
        if entry.digest is None or entry.kind not in {"receipt", "act"}:
            return None
        self._counts["digest"] += 1
        return _from_hex(entry.digest)

    def _check_hash(self, entry: Line, digest: bytes, *, entry_hash: bytes) -> None:
        """See that the entry follows what stands before it; where that is unknown, its own hash is believed."""
        code = KINDS[entry.kind]
        followed = {link(before, entry.seq, code=code, digest=digest) for before in self._candidates}
        if self._candidates and entry_hash not in followed:
            self._fault("it is not what was chained at this place", entry)
            self._go_on(entry.seq, (entry_hash, *followed))
        else:
            self._go_on(entry.seq, (entry_hash,))

    def _go_on(self, seq: int, earlier: tuple[bytes, ...]) -> None:
        self._next_seq = seq + 1
        self._candidates = earlier

    def _take_record(self, entry: Line) -> None:
        if not entry.record:
            return
        if entry.kind in self._counts:
            self._counts[entry.kind] += 1
        elif entry.kind == "begin":
            self._take_begin(entry, entry.record)
        else:
            self._take_signed(entry, entry.record)

    def _take_begin(self, entry: Line, record: msgspec.Raw) -> None:
        try:
            begin = msgspec.json.decode(record, type=Begin)
        except NOT_READABLE:
            self._fault("it is no beginning of a segment", entry)
            return
        recent = dict(self._recent).get(entry.seq - 1)
        if recent is not None and recent.hex() != begin.previous:
            self._fault("the segment names another hash before it", entry)

    def _take_signed(self, entry: Line, record: msgspec.Raw) -> None:
        """Judge a checkpoint or the announcement of a stub, as it stands in the chain."""
        try:
            signed = msgspec.json.decode(record, type=Signed)
        except NOT_READABLE:
            self._fault("it is no signed statement", entry)
            return
        statement = read_statement(signed)
        wanted = Checkpoint if entry.kind == "checkpoint" else Stub
        if not isinstance(statement, wanted) or not self._is_own(statement.installation):
            self._fault(f"it is no {entry.kind} of this installation", entry)
            return
        is_confirmed = self._is_confirmed(signed, f"the {entry.kind} at entry {entry.seq}", entry)
        if not isinstance(statement, Checkpoint):
            return
        here = dict(self._recent).get(statement.seq)
        if here is not None and here.hex() != statement.hash:
            self._fault(f"it says another hash of entry {statement.seq}", entry)
        elif is_confirmed:
            self._signed_to = max(self._signed_to or 0, statement.seq)

    def _take_gone(self, entry: Line) -> None:
        """Step over a segment that has left, if its stub is right and fits."""
        signed, stub = self._read_stub(entry)
        last_hash = _from_hex(stub.hash) if stub is not None else None
        if signed is None or stub is None or last_hash is None:
            self._fault("it is no stub of this place", entry)
            self._candidates = ()
            return
        self._check_stub(entry, signed, stub)
        self._counts[GONE] += stub.last_seq - stub.first_seq + 1
        for seq, hash_there in stub.checkpoints:
            if stub.first_seq <= seq < stub.last_seq:
                self._compare_marks(seq, hash_there)
        self._go_on(stub.last_seq, (last_hash,))
        self._stand(stub.last_seq, last_hash)

    def _check_stub(self, entry: Line, signed: Signed, stub: Stub) -> None:
        if stub.hash != entry.hash:
            self._fault("it says another hash than its stub", entry)
        if self._candidates and stub.previous not in {one.hex() for one in self._candidates}:
            self._fault("its stub does not follow what stands before it", entry)
        if self._is_confirmed(signed, f"the stub at entry {entry.seq}", entry) is None:
            self._is_in_doubt = True

    def _read_stub(self, entry: Line) -> tuple[Signed | None, Stub | None]:
        """Return a stub that can stand at this place, None where it cannot."""
        try:
            signed = msgspec.json.decode(entry.stub, type=Signed)
        except NOT_READABLE:
            return None, None
        stub = read_statement(signed)
        fits = isinstance(stub, Stub) and stub.first_seq == entry.seq <= stub.last_seq
        return signed, stub if isinstance(stub, Stub) and fits and self._is_own(stub.installation) else None

    def _is_own(self, installation: str) -> bool:
        return self._span is not None and self._span.installation == installation

    def _is_confirmed(self, signed: Signed, what: str, entry: Line | None = None) -> bool | None:
        """Tell whether a known key has signed; None where the key is not known from outside."""
        verdict = is_signed(signed, self._trust.keys)
        if verdict is False or (verdict is None and self._trust.are_all_keys):
            why = "is wrong" if verdict is False else f"was made by {signed.key[:64]}, which is none of the given keys"
            self._fault(f"the signature of {what} {why}", entry)
            return False
        if verdict is None:
            self._notes[f"signatures by key {signed.key[:64]} cannot be judged: it is not known from outside"] = None
        return verdict

    def _stand(self, seq: int, entry_hash: bytes) -> None:
        """Remember how the chain stands after an entry, and compare with what is known from outside."""
        self._recent.append((seq, entry_hash))
        self._compare_marks(seq, entry_hash.hex())

    def _compare_marks(self, seq: int, entry_hash: str) -> None:
        for mark in self._marks.pop(seq, ()):
            if mark.hash == entry_hash:
                self._proven_to = max(self._proven_to or 0, seq)
                continue
            since = f"after entry {self._proven_to}" if self._proven_to else "before it"
            when = format_utc(mark.at_ms)
            self._fault(f"the checkpoint of {when} says another hash: the chain was written again {since}", seq=seq)

    def _judge_marks(self, span: Span) -> None:
        """Say which checkpoints from outside could not be compared."""
        for seq, marks in self._marks.items():
            where = "which is gone"
            if not span.first_seq <= seq <= span.last_seq:
                where = "before what is here" if seq < span.first_seq else "after what is here"
            for mark in marks:
                self._notes[f"the checkpoint of {format_utc(mark.at_ms)} speaks of entry {seq}, {where}"] = None

    def _take_tail(self, line: bytes) -> None:
        self._has_ended = True
        try:
            tail = _TAIL.decode(line)
        except NOT_READABLE:
            self._fault("the last line is not spelled as it was written")
            return
        if line != self._footing.tail_line() and not self._faults:
            what = "lines are missing or doubled" if tail.end.lines != self._footing.end.lines else "a line was changed"
            self._fault(f"the last line does not fit: {what}")

    def _fault(self, why: str, entry: Line | None = None, *, seq: int | None = None) -> None:
        if len(self._faults) >= MOST_FAULTS:
            self._more_faults += 1
            return
        place = entry.seq if entry is not None else seq
        self._faults.append(Fault(self._lines, why, place, _id_of(entry)))


def _id_of(entry: Line | None) -> str | None:
    if entry is None or not entry.record:
        return None
    try:
        ids = msgspec.json.decode(entry.record, type=_Ids)
    except NOT_READABLE:
        return None
    return ids.receipt_id or ids.act_id


def _from_hex(text: str) -> bytes | None:
    """Return a hash out of its hex; None where that is none, or not spelled in lower case."""
    try:
        value = bytes.fromhex(text)
    except ValueError:
        return None
    return value if len(value) == HASH_BYTES and value.hex() == text else None


def _span(first: int, last: int) -> str:
    return str(first) if first == last else f"{first} to {last}"


_HEAD = msgspec.json.Decoder(Head)
_TAIL = msgspec.json.Decoder(Tail)
_LINE = msgspec.json.Decoder(Line)
