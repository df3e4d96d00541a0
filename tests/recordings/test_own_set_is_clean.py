"""The project's own recordings hold nothing that belongs to a person or an account."""

from __future__ import annotations

import re

import pytest

from exchanges import OWN

FILES = sorted(OWN.glob("*/*/*.*"))
HEADERS = {"content-type", "anthropic-version", "anthropic-beta"}
SECRETS = re.compile(
    r"\bsk-|hortus_|AIza|AKIA|Bearer |x-api-key|cookie|key=|[\w.]+@[\w-]+\.\w+|org-\w{6,}|\b\d{1,3}(\.\d{1,3}){3}\b",
    re.IGNORECASE,
)


@pytest.mark.parametrize("file", FILES, ids=[str(file.relative_to(OWN)) for file in FILES])
def test_a_recording_holds_no_secret_and_no_address(file) -> None:
    assert SECRETS.findall(file.read_text("utf-8")) == []


@pytest.mark.parametrize("file", [file for file in FILES if file.suffix == ".http"], ids=lambda file: file.parent.name)
def test_a_recording_keeps_only_headers_that_say_what_the_body_is(file) -> None:
    head = file.read_text("utf-8").partition("\n\n")[0]
    assert {line.partition(":")[0].lower() for line in head.splitlines()[1:]} <= HEADERS
