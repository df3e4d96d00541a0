"""Kept content through a whole Hortus: kept, found, exported, erased, and receipts that prove themselves as before."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator

import msgspec
import openai
import pytest

from garden import Hortus, wait_for
from hortus.testkit.replay_host import ReplayHost

pytestmark = pytest.mark.slow

TOML = """
[[endpoint]]
name = "claude"
model = "fake"
host = "openai-compatible"
base_url = "{base_url}"
private_address = true
upstream_model = "fake:scene=text"
credential = "env:REPLAY_KEY"
operations = ["chat"]

[[route]]
name = "claude"
endpoints = ["claude"]

[[project]]
name = "clinic"
routes = ["*"]
keep_content_days = 30
"""


@pytest.fixture(scope="module")
def garden(start_hortus, replay_host: ReplayHost) -> Hortus:
    return start_hortus(toml=TOML.format(base_url=replay_host.base_url), environment={"REPLAY_KEY": "sk-replay"})


@pytest.fixture(scope="module")
def client(garden: Hortus) -> Iterator[openai.OpenAI]:
    key = garden.cli_json("keys", "create", "--project", "clinic")["key"]
    with openai.OpenAI(base_url=f"{garden.door}/v1", api_key=key, max_retries=0) as one:
        yield one


def ask(client: openai.OpenAI, words: str, person: str, **more: object) -> tuple[str, str]:
    """Return the receipt's id and the answer's."""
    raw = client.responses.with_raw_response.create(model="claude", input=words, safety_identifier=person, **more)
    return raw.headers["hortus-receipt"], raw.parse().id


def settled(garden: Hortus, receipt_id: str) -> None:
    wait_for(lambda: garden.cli("receipts", receipt_id, check=False).returncode == 0, what=receipt_id)


def verify(garden: Hortus, name: str) -> str:
    garden.cli("receipts", "checkpoint", "--out", f"{name}.checkpoint")
    garden.cli("receipts", "export", f"{name}.jsonl")
    return garden.cli_json("receipts", "verify", f"{name}.jsonl", "--checkpoint", f"{name}.checkpoint")["status"]


def test_a_person_s_content_is_found_exported_erased_and_the_chain_stays_whole(
    garden: Hortus, client: openai.OpenAI
) -> None:
    first, answer_id = ask(client, "My knee hurts.", "ada")
    second, _ = ask(client, "And my elbow.", "ada", previous_response_id=answer_id)
    other, _ = ask(client, "Ada's knee, you know.", "ben")
    for one in (first, second, other):
        settled(garden, one)

    found = [one["receipt_id"] for one in garden.cli_json("content", "find", "--subject", "ada")]
    mentioned = [one["receipt_id"] for one in garden.cli_json("content", "find", "--mentions", "KNEE")]
    assert (found, mentioned) == ([first, second], [first, other])

    garden.cli("content", "export", "ada.zip", "--subject", "ada")
    with zipfile.ZipFile(garden.directory / "ada.zip") as made:
        sent = msgspec.json.decode(made.read(f"{first}/request.json"))
        receipt = msgspec.json.decode(made.read(f"{first}/receipt.json"))
    assert (sent["input"], receipt["receipt_id"]) == ("My knee hurts.", first)

    assert garden.cli("receipts", "check-content", first).returncode == 0
    assert verify(garden, "before") == "whole"

    planned = garden.cli_json("content", "erase", "--subject", "ada")
    assert planned == {"dry_run": True, "receipts": [first, second]}
    assert len(garden.cli_json("content", "find", "--subject", "ada")) == 2

    erased = garden.cli_json("content", "erase", "--subject", "ada", "--yes", "--list", "erased.txt")
    assert (erased["receipts"], erased["broken_files"]) == ([first, second], [])
    assert (garden.directory / "erased.txt").read_text().split() == [first, second]
    left = garden.cli_json("content", "find", "--receipts-from", "erased.txt", "--receipt", other)
    assert [one["receipt_id"] for one in left] == [other]
    with pytest.raises(openai.NotFoundError):
        client.responses.retrieve(answer_id)

    gone = garden.cli("receipts", "check-content", first, check=False)
    assert (gone.returncode, "was erased on" in gone.stdout) == (1, True)
    assert verify(garden, "after") == "whole"
    settled(garden, first)


def test_reading_and_erasing_are_acts_that_name_receipts_and_no_words(garden: Hortus, client: openai.OpenAI) -> None:
    receipt_id, _ = ask(client, "An unmistakable ailment.", "carl")
    settled(garden, receipt_id)
    garden.cli("content", "export", "carl.jsonl", "--subject", "carl")
    garden.cli("content", "erase", "--subject", "carl", "--yes")
    acts = garden.cli_json("acts", "--kind", "content")[:2]
    assert [one["change"] for one in acts] == ["erase", "read"]
    assert all(receipt_id in str(one["fields"]) for one in acts)
    assert not any(word in str(acts) for word in ("ailment", "carl"))


def test_erasing_needs_to_be_told_what(garden: Hortus) -> None:
    refused = garden.cli("content", "erase", "--yes", check=False)
    assert (refused.returncode, "nothing says what to erase" in refused.stderr) == (1, True)


def test_a_backup_holds_kept_content_unless_told_otherwise(garden: Hortus, client: openai.OpenAI) -> None:
    settled(garden, ask(client, "Keep me safe.", "dora")[0])
    whole = garden.cli_json("backup", str(garden.directory / "whole.tar"))
    without = garden.cli_json("backup", str(garden.directory / "without.tar"), "--without-content")
    names = [{one["path"] for one in backup["files"]} for backup in (whole, without)]
    assert ["content/exchanges-1.db" in one for one in names] == [True, False]
    assert any(one["path"] == "content/exchanges-1.db" for one in without["left_out"])


def test_a_version_of_the_secret_that_seals_content_is_not_retired_without_a_word(
    garden: Hortus, client: openai.OpenAI
) -> None:
    settled(garden, ask(client, "Sealed by the first.", "emil")[0])
    garden.cli("secrets", "rotate")

    def sealed_by_both() -> bool:
        ask(client, "Sealed by the second, once the worker knows it.", "emil")
        return min(one["exchanges"] for one in garden.cli_json("secrets", "list")) > 0

    wait_for(sealed_by_both, what="an exchange of each version")
    refused = garden.cli("secrets", "retire", "1", check=False)
    assert refused.returncode == 1
    assert len(garden.cli_json("content", "find", "--subject", "emil")) > 1
