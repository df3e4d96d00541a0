"""Whatever is done to an export is found: every record changed, deleted, doubled, moved or cut, by anybody."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from hortus.ledger.notary import Keeping
from hortus.receipts.chain import KINDS, digest_of, link
from hortus.receipts.checkpoint import Checkpoint, SigningKey, Span, Stub
from hortus.receipts.exporting import GONE, Head, Line, Wanted, head_line, spell
from hortus.receipts.verdict import Trust, Verdict
from hortus.receipts.verifying import MOST_FAULTS, NotAnExport, verify
from hortus.snapshot.declared import ProjectSpec
from receipts.chain_examples import DAY_S, KEY, OTHER_KEY, Ledger, trust_in, usual_chain, with_tail


class Example:
    """An export and what was held outside when it was made."""

    def __init__(self, lines: list[bytes], checkpoint: Checkpoint) -> None:
        self.lines = lines
        self.checkpoint = checkpoint

    @property
    def trust(self) -> Trust:
        return trust_in(self.checkpoint)


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Example]:
    """Every kind of entry: a segment that is gone, and one project's records shown of the rest."""
    ledger = Ledger(tmp_path_factory.mktemp("chain"))
    usual_chain(ledger)
    ledger.clock.pass_by(3 * DAY_S)
    ledger.ask("six", "seven")
    ledger.clock.pass_by(2 * DAY_S)
    ledger.make_notary(Keeping(receipts_days=1)).run_if_due(is_last=True)
    team = ledger.access.put_project(ProjectSpec("team", ("b",)), origin="api")
    ledger.ask("eight", project_id=team.id)
    ledger.ask("nine")
    ledger.notary.run_if_due(is_last=True)
    ledger.ask("ten", project_id=team.id)
    checkpoint = ledger.checkpoint()
    yield Example(ledger.export(Wanted(project="team", project_id=team.id)), checkpoint)
    ledger.close()


def judge(lines: Sequence[bytes], trust: Trust) -> str:
    """Return the verdict's status; one that is no export at all is found, too."""
    try:
        return verify(lines, trust).status
    except NotAnExport:
        return "no export"


def kinds_of(lines: Sequence[bytes]) -> list[str]:
    return [msgspec.json.decode(line).get("kind", "end") for line in lines[1:]]


def test_an_export_as_it_was_written_is_whole(example: Example) -> None:
    verdict = verify(example.lines, example.trust)
    assert (verdict.status, verdict.faults, verdict.notes) == ("whole", (), ())
    assert verdict.proven_to == verdict.signed_to == verdict.last_seq
    assert (verdict.receipts, verdict.acts, verdict.gone) == (2, 1, 10)


def test_the_example_has_every_kind_of_line(example: Example) -> None:
    assert set(kinds_of(example.lines)) == {*KINDS, GONE, "end"}
    assert any(b'"digest":' in line for line in example.lines)


@given(data=st.data())
def test_a_changed_byte_is_found_wherever_it_stands(example: Example, data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(example.lines) - 1))
    line = example.lines[place]
    at = data.draw(st.integers(0, len(line) - 1))
    byte = data.draw(st.integers(0, 255).filter(lambda value: value != line[at]))
    changed = [*example.lines]
    changed[place] = line[:at] + bytes([byte]) + line[at + 1 :]
    assert judge(changed, example.trust) != "whole"
    if place < len(example.lines) - 1:
        assert judge(with_tail(changed[:-1]), example.trust) != "whole"


@given(data=st.data())
def test_a_file_that_is_cut_anywhere_is_found(example: Example, data: st.DataObject) -> None:
    whole = b"".join(example.lines)
    kept = whole[: data.draw(st.integers(0, len(whole) - 1))]
    assert judge(kept.splitlines(keepends=True), example.trust) != "whole"
    assert judge(with_tail(kept.splitlines(keepends=True)), example.trust) != "whole"


TAMPERINGS: dict[str, Callable[[list[bytes], int], list[bytes]]] = {
    "deleted": lambda lines, place: [*lines[:place], *lines[place + 1 :]],
    "doubled": lambda lines, place: [*lines[: place + 1], *lines[place:]],
    "doubled at the end": lambda lines, place: [*lines, lines[place]],
    "swapped with the next": lambda lines, place: [
        *lines[:place], *reversed(lines[place : place + 2]), *lines[place + 2 :]
    ],
    "swapped with the second": lambda lines, place: [
        *lines[:place], *reversed(lines[place : place + 3]), *lines[place + 3 :]
    ],
    "moved to the end": lambda lines, place: [*lines[:place], *lines[place + 1 :], lines[place]],
    "all from there on dropped": lambda lines, place: lines[:place],
}  # fmt: skip


@pytest.mark.parametrize("what", TAMPERINGS)
def test_no_line_can_be_moved_or_left_out(example: Example, what: str) -> None:
    inner = example.lines[:-1]
    found = []
    for place in range(len(inner)):
        changed = TAMPERINGS[what](inner, place)
        if changed != inner:
            found.append(
                (judge([*changed, example.lines[-1]], example.trust), judge(with_tail(changed), example.trust))
            )
    assert len(found) >= len(inner) - 2
    assert all("whole" not in verdicts for verdicts in found)


def test_a_record_cannot_be_hidden_behind_its_digest(example: Example) -> None:
    hidden = 0
    for place, line in enumerate(example.lines[1:-1], start=1):
        entry = msgspec.json.decode(line, type=Line)
        if entry.record:
            bare = spell(Line(entry.seq, entry.kind, entry.hash, digest=digest_of(bytes(entry.record)).hex()))
            changed = with_tail([*example.lines[:place], bare, *example.lines[place + 1 : -1]])
            assert judge(changed, example.trust) == "tampered"
            hidden += 1
    assert hidden >= 6


def test_a_change_is_named_with_its_place_and_its_receipt(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    trust = trust_in(usual_chain(ledger))
    lines = [line.replace(b'"cost":"0.25"', b'"cost":"0.26"') if b'"two"' in line else line for line in ledger.export()]
    ledger.close()
    verdict = verify(with_tail(lines[:-1]), trust)
    assert [(fault.seq, fault.record, fault.line) for fault in verdict.faults] == [(3, "two", 4)]
    assert verdict.proven_to == verdict.last_seq  # what stands after it is as it was


def test_missing_doubled_and_moved_entries_are_told_apart(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    trust = trust_in(usual_chain(ledger))
    lines = ledger.export()[:-1]
    ledger.close()

    def whys(changed: list[bytes]) -> list[str]:
        return [fault.why for fault in verify(with_tail(changed), trust).faults]

    assert whys([*lines[:3], *lines[5:]]) == ["entries 3 to 4 are missing before it"]
    assert whys([*lines[:4], *lines[3:]]) == ["it stands there twice"]
    assert whys([*lines[:3], lines[4], lines[3], *lines[5:]]) == [
        "entries 3 are missing before it",
        "it is out of order",
    ]


def cheaper(entry: Line) -> Line:
    return replace(entry, record=msgspec.Raw(bytes(entry.record).replace(b'"cost":"0.25"', b'"cost":"0.01"')))


def rechained(
    lines: Sequence[bytes], key: SigningKey, *, alter: Callable[[Line], Line] = cheaper, **changes: Any
) -> list[bytes]:
    """Write the chain of an export anew with some entries altered, and sign for it with a key."""
    head = msgspec.json.decode(lines[0], type=Head)
    span = msgspec.json.decode(head.signed.statement, type=Span)
    before, written = bytes.fromhex(span.previous), []
    for line in lines[1:-1]:
        entry = alter(msgspec.json.decode(line, type=Line))
        if entry.kind == GONE:
            before = bytes.fromhex(entry.hash)
        elif entry.kind in KINDS:
            digest = digest_of(bytes(entry.record)) if entry.record else bytes.fromhex(entry.digest or "")
            before = link(before, entry.seq, code=KINDS[entry.kind], digest=digest)
            entry = replace(entry, hash=before.hex())
        written.append(spell(entry))
    forged = replace(span, **({"hash": before.hex(), "public_keys": key.public_keys} | changes))
    return with_tail([head_line(key.sign(forged)), *written])


def altered(kind: str, change: Callable[[dict[str, Any]], object], *, member: str = "record") -> Callable[[Line], Line]:
    """Return what changes the record (or the stub) of every entry of a kind."""

    def alter(entry: Line) -> Line:
        if entry.kind != kind:
            return entry
        changed = change(msgspec.json.decode(getattr(entry, member)))
        return replace(entry, **{member: msgspec.Raw(msgspec.json.encode(changed))})

    return alter


def signed_anew(change: dict[str, Any], *, key: SigningKey = KEY) -> Callable[[dict[str, Any]], object]:
    """Return what changes a signed statement and signs it, as only the owner of the key can."""

    def sign(signed: dict[str, Any]) -> object:
        kinds = {"checkpoint": Checkpoint, "stub": Stub}
        return key.sign(msgspec.convert(signed["statement"] | change, kinds[signed["statement"]["what"]]))

    return sign


OF_THE_OWNER: dict[str, tuple[Callable[[Line], Line], str]] = {
    "a beginning that is none": (altered("begin", lambda _: {}), "no beginning of a segment"),
    "a beginning after something else": (
        altered("begin", lambda record: record | {"previous": "00" * 32}), "names another hash before it"
    ),
    "a checkpoint that is none": (altered("checkpoint", lambda _: []), "no signed statement"),
    "a checkpoint of others": (
        altered("checkpoint", signed_anew({"installation": "org_2"})), "no checkpoint of this installation"
    ),
    "a checkpoint of another past": (
        altered("checkpoint", signed_anew({"hash": "00" * 32})), "says another hash of entry"
    ),
    "a checkpoint by another key": (altered("checkpoint", signed_anew({}, key=OTHER_KEY)), "none of the given keys"),
    "a stub that is none": (altered(GONE, lambda _: [], member="stub"), "no stub of this place"),
    "a stub of another place": (
        altered(GONE, signed_anew({"first_seq": 2}), member="stub"), "no stub of this place"
    ),
    "a stub without a hash": (altered(GONE, signed_anew({"hash": "?"}), member="stub"), "no stub of this place"),
    "a stub of another end": (
        altered(GONE, signed_anew({"hash": "00" * 32}), member="stub"), "another hash than its stub"
    ),
    "a stub of another beginning": (
        altered(GONE, signed_anew({"previous": "11" * 32}), member="stub"), "does not follow what stands before it"
    ),
    "a kind that there is not": (
        lambda entry: replace(entry, kind="poem") if entry.kind == "act" else entry, "no entry of an export"
    ),
    "a hash that is none": (
        lambda entry: replace(entry, kind="poem", hash="?") if entry.kind == "act" else entry, "no entry of an export"
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", OF_THE_OWNER)
def test_what_only_the_owner_of_the_key_could_write_is_judged_too(example: Example, what: str) -> None:
    alter, why = OF_THE_OWNER[what]
    verdict = verify(rechained(example.lines, KEY, alter=alter), trust_in())
    assert verdict.status == "tampered"
    assert any(why in fault.why for fault in verdict.faults)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"shown": 99}, "3 records are shown, but the first line says 99"),
        ({"hash": "00" * 32}, "the chain ends with another hash than the first line says"),
        ({"last_seq": 1000}, "are missing at the end"),
    ],
)
def test_the_first_line_must_say_what_the_file_holds(example: Example, change: dict[str, Any], why: str) -> None:
    verdict = verify(rechained(example.lines, KEY, alter=lambda entry: entry, **change), trust_in())
    assert verdict.status == "tampered"
    assert any(why in fault.why for fault in verdict.faults)


def test_nothing_may_stand_after_the_last_line(example: Example) -> None:
    assert judge([*example.lines, example.lines[-1]], example.trust) == "tampered"


def test_a_first_line_that_is_spelled_in_another_way_is_found(example: Example) -> None:
    spaced = example.lines[0].replace(b'"format":1', b'"format": 1')
    assert judge(with_tail([spaced, *example.lines[1:-1]]), example.trust) == "tampered"


def test_an_entry_with_a_doubled_member_is_found(example: Example) -> None:
    doubled = example.lines[-2].replace(b'"record":', b'"record":{"cost":"0"},"record":', 1)
    assert judge(with_tail([*example.lines[:-2], doubled]), example.trust) == "tampered"


def test_an_export_of_another_format_is_not_judged(example: Example) -> None:
    with pytest.raises(NotAnExport, match="format 1"):
        verify([example.lines[0].replace(b'"format":1', b'"format":2')], example.trust)


def test_a_stub_can_only_speak_of_checkpoints_in_its_own_segment(example: Example) -> None:
    elsewhere = altered(GONE, signed_anew({"checkpoints": [[example.checkpoint.seq, "00" * 32]]}), member="stub")
    assert verify(rechained(example.lines, KEY, alter=elsewhere), example.trust).proven_to == example.checkpoint.seq


def test_where_the_beginning_is_not_said_the_first_hash_is_believed(simple: Example) -> None:
    forged = [head_line(KEY.sign(replace(span_of(simple.lines), previous="?"))), *simple.lines[1:-1]]
    assert verify(with_tail(forged), trust_in(simple.checkpoint)).proven_to == simple.checkpoint.seq


def test_a_stub_by_an_unknown_key_leaves_it_open(example: Example) -> None:
    verdict = verify(example.lines, trust_in(example.checkpoint, key=None))
    assert (verdict.status, verdict.proven_to) == ("cannot_tell", verdict.last_seq)


def span_of(lines: Sequence[bytes]) -> Span:
    head = msgspec.json.decode(lines[0], type=Head)
    return msgspec.json.decode(head.signed.statement, type=Span)


@pytest.fixture
def simple(tmp_path: Path) -> Example:
    ledger = Ledger(tmp_path)
    ledger.ask("one", "two")
    checkpoint = ledger.checkpoint()
    ledger.ask("three")
    lines = ledger.export()
    ledger.close()
    return Example(lines, checkpoint)


def test_a_chain_written_anew_without_the_key_is_found_by_the_signature(simple: Example) -> None:
    verdict = verify(rechained(simple.lines, OTHER_KEY), trust_in())
    assert verdict.status == "tampered"
    assert "none of the given keys" in verdict.faults[0].why


def test_a_chain_written_anew_is_found_by_a_checkpoint_even_if_the_key_was_used(simple: Example) -> None:
    for key in (KEY, OTHER_KEY):
        verdict = verify(rechained(simple.lines, key), trust_in(simple.checkpoint, key=None))
        assert verdict.status == "tampered"
        assert "the chain was written again" in verdict.faults[0].why
        assert verdict.faults[0].seq == simple.checkpoint.seq


def test_a_chain_written_anew_under_another_installations_name_is_not_believed(simple: Example) -> None:
    forged = rechained(simple.lines, OTHER_KEY, installation="org_other")
    assert verify(forged, trust_in(simple.checkpoint, key=None)).status == "cannot_tell"
    assert verify(forged, trust_in(simple.checkpoint)).status == "tampered"


def test_without_anything_from_outside_it_cannot_be_told(simple: Example) -> None:
    verdict = verify(simple.lines, trust_in(key=None))
    assert (verdict.status, verdict.proven_to, verdict.signed_to) == ("cannot_tell", None, None)
    assert any("not known from outside" in note for note in verdict.notes)


def test_it_says_from_where_on_it_cannot_tell(simple: Example) -> None:
    verdict = verify(simple.lines, trust_in(simple.checkpoint, key=None))
    assert (verdict.status, verdict.proven_to, verdict.last_seq) == ("whole", simple.checkpoint.seq, 4)


def test_a_checkpoint_that_speaks_of_something_else_is_named(simple: Example) -> None:
    later = replace(simple.checkpoint, seq=99)
    foreign = replace(simple.checkpoint, installation="org_other")
    notes = verify(simple.lines, trust_in(later, foreign)).notes
    assert any("speaks of entry 99, after" in note for note in notes)
    assert any("another installation's" in note for note in notes)


def test_the_parts_of_an_export_begin_where_the_part_before_ended(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    ledger.ask("one", "two")
    ledger.notary.run_if_due(is_last=True)
    between_ms = ledger.clock.now_ms()
    ledger.ask("three")
    first, second = ledger.export(Wanted(until_ms=between_ms)), ledger.export(Wanted(since_ms=between_ms))
    ledger.close()
    one, two = verify(first, trust_in()), verify(second, trust_in())
    assert (one.status, one.first_seq, one.last_seq) == ("whole", 1, 4)
    assert (two.status, two.first_seq, two.last_seq, two.receipts) == ("whole", 5, 5, 1)


def test_a_lost_record_in_the_store_shows_in_the_export(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    checkpoint = usual_chain(ledger)
    with ledger.store.writing() as connection:
        connection.exec_driver_sql("DELETE FROM attempts WHERE receipt_id = 'two'")
        connection.exec_driver_sql("DELETE FROM receipts WHERE receipt_id = 'two'")
        connection.exec_driver_sql("UPDATE receipts SET cost = '0' WHERE receipt_id = 'three'")
    verdict = verify(ledger.export(), trust_in(checkpoint))
    ledger.close()
    found = [(fault.seq, fault.why) for fault in verdict.faults]
    assert found == [(3, "the record is missing"), (6, "it is not what was chained at this place")]


def test_faults_are_listed_up_to_a_bound_and_counted_beyond(simple: Example) -> None:
    rubbish = [b"rubbish\n"] * (MOST_FAULTS + 5)
    verdict: Verdict = verify([simple.lines[0], *rubbish], trust_in())
    assert len(verdict.faults) == MOST_FAULTS
    assert verdict.more_faults > 5


@pytest.mark.parametrize("line", [b"", b"{}\n", b"rubbish\n", b'{"hortus":"receipts","format":2}\n'])
def test_what_is_no_export_is_said_to_be_none(line: bytes) -> None:
    with pytest.raises(NotAnExport):
        verify([line] if line else [], trust_in())
