"""Credential documents towards AWS are read or refused, and no refusal repeats what they hold."""

from __future__ import annotations

import msgspec
import pytest

from hortus.base.errors import ConfigurationError
from hortus.transport.signing.aws_documents import Instance, Keys, Role, read_document

ROLE = {"source": "role", "role_arn": "arn", "region": "eu-west-1"}
KEYS = {"access_key_id": "AK", "secret_access_key": "my-secret"}


def nested(depth: int) -> dict[str, object]:
    return KEYS if depth == 0 else ROLE | {"from": nested(depth - 1)}


def test_a_document_without_a_source_is_a_key_pair() -> None:
    found = read_document(msgspec.json.encode(KEYS))
    assert isinstance(found, Keys)
    assert (found.access_key_id, found.secret_access_key, found.session_token) == ("AK", "my-secret", "")
    assert repr(found) == "Keys(<hidden>)"


def test_a_machine_is_asked_at_its_usual_address() -> None:
    found = read_document('{"source":"instance"}')
    assert isinstance(found, Instance)
    assert found.address == "http://169.254.169.254"


def test_roles_are_taken_one_through_the_other_but_not_for_ever() -> None:
    assert isinstance(read_document(msgspec.json.encode(nested(3))), Role)
    with pytest.raises(ConfigurationError, match="more than 3 roles one through the other"):
        read_document(msgspec.json.encode(nested(4)))


REFUSED = {
    "no JSON": ("my-secret", "is not the JSON document"),
    "a list": ([KEYS], "is not the JSON document"),
    "an unknown source": ({"source": "my-secret"}, "it may be keys, instance, container, role, web-identity"),
    "half a pair": ({"access_key_id": "my-secret"}, "missing required field `secret_access_key`"),
    "a member too many": (KEYS | {"role_arn": "my-secret"}, "unknown field `role_arn`"),
    "an empty key": (KEYS | {"access_key_id": ""}, "an empty key"),
    "a key no header carries": (KEYS | {"session_token": "a\nb"}, "no header can carry"),
    "a machine elsewhere": ({"source": "instance", "address": "http://10.0.0.1/"}, "nor this machine's own"),
    "an address that is none": ({"source": "instance", "address": "http://[my-secret/"}, "that is none"),
    "an address with a user": ({"source": "instance", "address": "https://my-secret@a.example/"}, "neither https"),
    "a container elsewhere": ({"source": "container", "address": "http://tokens.example/"}, "neither https"),
    "a role of nowhere": ({"source": "role", "role_arn": "my-secret", "from": KEYS}, "neither the `region`"),
    "a role by nothing": (ROLE, "missing required field `from`"),
    "a role by something wrong": (ROLE | {"from": {"access_key_id": "my-secret"}}, "missing required field"),
    "an STS in the clear": (ROLE | {"from": KEYS, "sts": "http://sts.example"}, "neither https"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refuses_a_document_without_repeating_any_of_it(case: str) -> None:
    document, words = REFUSED[case]
    text = document if isinstance(document, str) else msgspec.json.encode(document)
    with pytest.raises(ConfigurationError) as caught:
        read_document(text)
    assert words in str(caught.value)
    assert "my-secret" not in str(caught.value)
