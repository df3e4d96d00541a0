"""Exports, checkpoints and verdicts as people meet them: commands against a running Hortus, and far away from it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import duckdb
import msgspec
import pytest

from cli.commandline import Ran, run
from garden import Hortus, wait_for
from hortus.cli.exports import export_lines
from hortus.cli.parquetfile import write_parquet

pytestmark = pytest.mark.slow


class Proofs:
    """An installation with receipts of two projects, what was exported of it, and what is held outside."""

    def __init__(self, hortus: Hortus, place: Path) -> None:
        self.hortus = hortus
        self.place = place
        self.export = place / "all.jsonl"
        self.checkpoint = place / "checkpoint.json"
        self.keys = place / "keys.json"

    def verify(self, file: Path, *options: str) -> Ran:
        """Run `verify` far from the installation: without its home, its address or its store."""
        return run("receipts", "verify", str(file), *options, at=self.place)

    @property
    def trust(self) -> tuple[str, ...]:
        return ("--checkpoint", str(self.checkpoint), "--public-key", str(self.keys))


@pytest.fixture(scope="module")
def proofs(start_hortus: Callable[..., Hortus], tmp_path_factory: pytest.TempPathFactory) -> Proofs:
    hortus = start_hortus()
    hortus.cli("projects", "create", "team")
    hortus.cli("projects", "set", "team", "--loss", "strict")
    wait_for(lambda: hortus.cli_json("deployments")[0]["state"] == "ready", within_s=60, what="the seedling")
    for _ in range(2):
        hortus.cli("ask", "Where are you?")
    wait_for(lambda: len(hortus.cli_json("receipts")) == 2, within_s=60, what="both receipts")
    wait_for(lambda: all(act["seq"] for act in hortus.cli_json("acts")), within_s=60, what="places of all acts")
    made = Proofs(hortus, tmp_path_factory.mktemp("outside"))
    hortus.cli("receipts", "checkpoint", "--out", str(made.checkpoint))
    hortus.cli("receipts", "public-key", "--out", str(made.keys))
    hortus.cli("receipts", "export", str(made.export))
    return made


def test_an_export_is_proven_far_away(proofs: Proofs) -> None:
    done = proofs.verify(proofs.export, *proofs.trust, "--json")
    assert done.code == 0, done.err
    verdict = msgspec.json.decode(done.out)
    assert (verdict["status"], verdict["faults"], verdict["receipts"]) == ("whole", [], 2)
    assert verdict["proven_to"] >= 1
    assert (
        "from entry" in proofs.verify(proofs.export, *proofs.trust).out or verdict["proven_to"] == verdict["last_seq"]
    )


def test_a_changed_receipt_is_named_and_the_exit_code_says_so(proofs: Proofs) -> None:
    forged = proofs.place / "forged.jsonl"
    forged.write_bytes(proofs.export.read_bytes().replace(b'"status":"completed"', b'"status":"failed"', 1))
    done = proofs.verify(forged, *proofs.trust)
    assert done.code == 1
    assert "TAMPERED WITH" in done.out
    assert "rcp_" in done.out


def test_without_anything_from_outside_the_exit_code_says_that_it_cannot_be_told(proofs: Proofs) -> None:
    done = proofs.verify(proofs.export)
    assert done.code == 2
    assert "anybody could have written it" in done.err


@pytest.mark.parametrize("content", [b"", b"a poem\n", b"PAR1 but no Parquet"])
def test_a_file_that_is_no_export_is_refused_in_one_line(proofs: Proofs, content: bytes) -> None:
    poem = proofs.place / "poem"
    poem.write_bytes(content)
    done = proofs.verify(poem)
    assert done.code == 2
    assert done.err.startswith("hortus: ")
    assert done.err.count("\n") == 1


def test_a_file_that_is_not_there_cannot_be_told(proofs: Proofs) -> None:
    assert proofs.verify(proofs.place / "nothing").code == 2


def test_a_damaged_checkpoint_is_refused_by_name(proofs: Proofs) -> None:
    bad = proofs.place / "bad.json"
    bad.write_text(proofs.checkpoint.read_text().replace('"seq":', '"seq":1'))
    done = proofs.verify(proofs.export, "--checkpoint", str(bad))
    assert done.code == 2
    assert "bad.json" in done.err


def test_an_export_as_parquet_holds_the_same_lines_and_is_proven_too(proofs: Proofs) -> None:
    file = proofs.place / "all.parquet"
    proofs.hortus.cli("receipts", "export", str(file))
    shown = [line for line in export_lines(file) if b'"kind":"receipt"' in line]
    assert shown == [line for line in export_lines(proofs.export) if b'"kind":"receipt"' in line]
    done = proofs.verify(file, *proofs.trust)
    assert done.code == 0, done.out


def test_columns_of_parquet_that_say_another_thing_than_the_record_are_found(proofs: Proofs) -> None:
    honest, forged = proofs.place / "honest.parquet", proofs.place / "columns.parquet"
    write_parquet(proofs.export, honest)
    with duckdb.connect(":memory:") as connection:
        connection.execute("CREATE TABLE rows AS SELECT * REPLACE ('free' AS cost) FROM read_parquet(?)", [str(honest)])
        connection.table("rows").write_parquet(str(forged))
    done = proofs.verify(forged, *proofs.trust)
    assert done.code == 1
    assert "its columns are not what its record says" in " ".join(done.out.split())


def test_one_projects_export_shows_its_records_and_proves_the_others_by_their_digests(proofs: Proofs) -> None:
    file = proofs.place / "team.jsonl"
    proofs.hortus.cli("receipts", "export", str(file), "--project", "team")
    verdict = msgspec.json.decode(proofs.verify(file, *proofs.trust, "--json").out)
    assert (verdict["status"], verdict["receipts"]) == ("whole", 0)
    assert verdict["digests"] >= 2
    assert b"Where" not in file.read_bytes()


def test_a_project_that_does_not_exist_is_said_to_be_none(proofs: Proofs) -> None:
    done = proofs.hortus.cli("receipts", "export", str(proofs.place / "x"), "--project", "nobody", check=False)
    assert done.returncode == 1
    assert "nobody" in done.stderr
    assert not (proofs.place / "x").exists()


def test_acts_say_who_changed_what(proofs: Proofs) -> None:
    newest = proofs.hortus.cli_json("acts", "--project", "team", "--kind", "project")[0]
    assert (newest["by"], newest["operation"], newest["change"]) == ("socket", "projects.set_loss", "replace")
    assert newest["fields"] == [{"field": "loss", "before": '"standard"', "after": '"strict"'}]
    assert "replace project team" in " ".join(proofs.hortus.cli("acts").stdout.split())


def test_acts_never_hold_a_secret(proofs: Proofs) -> None:
    key = proofs.hortus.new_key("team")
    acts = proofs.hortus.cli("acts", "--json").stdout
    assert '"kind": "key"' in acts
    assert key not in acts
    assert key[-4:] not in [field["after"] for act in msgspec.json.decode(acts) for field in act["fields"]]


def test_a_receipt_without_digests_of_content_says_so(proofs: Proofs) -> None:
    receipt_id = proofs.hortus.cli_json("receipts")[-1]["receipt_id"]
    done = proofs.hortus.cli("receipts", "check-content", receipt_id, str(proofs.checkpoint), check=False)
    assert done.returncode == 1
