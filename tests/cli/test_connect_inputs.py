"""What `hortus connect` takes besides a host's name: its key, and the parts of its address that are the operator's."""

from __future__ import annotations

import pytest

from hortus.base.errors import ConfigurationError
from hortus.catalog.loading import load_catalog
from hortus.cli.connectaccount import check_secret, read_variables

KEY_FILE = '{\n  "type": "service_account"\n}\n'


def test_parts_of_an_address_are_named() -> None:
    assert read_variables(["project=p=1", "region=europe-west4"]) == {"project": "p=1", "region": "europe-west4"}


@pytest.mark.parametrize("text", ["project", "project=", "=p", ""])
def test_refuses_a_part_without_name_or_value(text: str) -> None:
    with pytest.raises(ConfigurationError, match="NAME=VALUE"):
        read_variables([text])


def test_a_key_is_kept_without_its_line_end() -> None:
    assert check_secret("sk-hunter2\n", load_catalog().host("mistral")) == "sk-hunter2"


def test_a_service_account_s_file_is_kept_as_it_is() -> None:
    assert check_secret(KEY_FILE, load_catalog().host("vertex")) == KEY_FILE.strip()


@pytest.mark.parametrize(
    ("host", "text"),
    [("mistral", ""), ("mistral", "two\nlines"), ("mistral", "schlüssel"), ("vertex", "sk-hunter2"), ("vertex", "")],
)
def test_refuses_what_is_no_key_of_the_host_without_repeating_it(host: str, text: str) -> None:
    with pytest.raises(ConfigurationError, match="no key") as caught:
        check_secret(text, load_catalog().host(host))
    assert "hunter2" not in str(caught.value)


def test_an_identity_of_entra_is_a_document_too() -> None:
    azure = load_catalog().host("azure")
    assert check_secret('{"type": "entra",\n"managed_identity": "imds"}\n', azure, auth="entra").startswith("{")
    assert check_secret("made-up-key", azure) == "made-up-key"
    with pytest.raises(ConfigurationError):
        check_secret("made-up-key", azure, auth="entra")
