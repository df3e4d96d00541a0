"""What a credential reference stands for: a key for a header, or a document."""

from __future__ import annotations

from pathlib import Path

import pytest

from hortus.app.credentials import Credentials
from hortus.base.errors import ConfigurationError

DOCUMENT = '{\n  "type": "service_account"\n}'


def credentials(folder: Path, **environment: str) -> Credentials:
    return Credentials(environment, directory=folder)


def test_a_key_comes_from_a_variable_or_a_file_without_the_blanks_around_it(tmp_path: Path) -> None:
    (tmp_path / "host.key").write_text("sk-file\n")
    one = credentials(tmp_path, KEY=" sk-env ")
    assert (one.read("env:KEY"), one.read("file:host.key")) == ("sk-env", "sk-file")


def test_a_document_comes_from_a_file_a_variable_or_the_file_that_a_variable_names(tmp_path: Path) -> None:
    (tmp_path / "google.json").write_text(DOCUMENT)
    one = credentials(tmp_path, PATH_OF_IT=str(tmp_path / "google.json"), ITSELF=DOCUMENT)
    for reference in ("file:google.json", "env:PATH_OF_IT", "env:ITSELF"):
        assert one.read_document(reference) == DOCUMENT


def test_a_document_is_present_and_is_no_key(tmp_path: Path) -> None:
    (tmp_path / "google.json").write_text(DOCUMENT)
    one = credentials(tmp_path)
    assert one.is_present("file:google.json")
    with pytest.raises(ConfigurationError, match="characters that no header can carry") as caught:
        one.read("file:google.json")
    assert "service_account" not in str(caught.value)


@pytest.mark.parametrize(
    ("reference", "reason"),
    [
        ("env:NOT_SET", "the environment variable NOT_SET is not set"),
        ("env:BLANK", "the environment variable BLANK is not set"),
        ("file:gone", "the credential file gone is missing or empty"),
        ("vault:key", "unknown scheme 'vault'"),
    ],
)
def test_says_what_is_missing(tmp_path: Path, reference: str, reason: str) -> None:
    one = credentials(tmp_path, BLANK=" ")
    for read in (one.read, one.read_document):
        with pytest.raises(ConfigurationError, match=reason):
            read(reference)
    assert not one.is_present(reference)


def test_a_variable_that_names_a_file_which_is_gone_is_named_and_not_its_value(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="the file that the environment variable GOOGLE names") as caught:
        credentials(tmp_path, GOOGLE="/secret/place.json").read_document("env:GOOGLE")
    assert "place" not in str(caught.value)


def test_a_file_that_was_read_is_watched(tmp_path: Path) -> None:
    file = tmp_path / "google.json"
    file.write_text(DOCUMENT)
    one = credentials(tmp_path, GOOGLE=str(file))
    one.read_document("env:GOOGLE")
    assert not one.poll()
    file.write_text(DOCUMENT + " ")
    assert one.poll()
