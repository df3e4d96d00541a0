"""Who we are at a host: options, what is kept here, and what a person is asked."""

from __future__ import annotations

import stat
from pathlib import Path

import msgspec
import pytest

from hortus.app.home import Home
from hortus.base.errors import ConfigurationError
from hortus.catalog.loading import load_catalog
from hortus.cli.connectaccount import Account, Given, find_account, read_deployment
from hortus.cli.connectasks import Answers, ask_credential, ask_lists, ask_parts
from hortus.cli.place import Installation
from hortus.transport.signing.aws_documents import Keys, Role
from hortus.transport.signing.aws_documents import read_document as read_aws
from hortus.transport.signing.identity import read_identity

CATALOG = load_catalog()
AZURE, BEDROCK, VERTEX, MISTRAL = (CATALOG.host(name) for name in ("azure", "bedrock", "vertex", "mistral"))
PROFILES = """[default]
region = eu-central-1
[profile worker]
role_arn = arn:aws:iam::123456789012:role/garden
source_profile = keys
[profile browser]
sso_session = ours
"""
KEYS = "[keys]\naws_access_key_id = AKIDMADEUP\naws_secret_access_key = made-up-secret\n"


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Installation:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".aws").mkdir()
    (tmp_path / ".aws" / "config").write_text(PROFILES)
    (tmp_path / ".aws" / "credentials").write_text(KEYS)
    home = Home(tmp_path / "home")
    home.credentials.mkdir(parents=True)
    return Installation(door="http://127.0.0.1:1", admin="http://127.0.0.1:2", home=home)


def kept(here: Installation, name: str) -> str:
    assert here.home is not None
    file = here.home.credentials / name
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    return file.read_text()


def test_a_lit_host_needs_nothing_more(here: Installation) -> None:
    assert find_account(Given(), MISTRAL, here, is_lit=True) == Account(None, None, {}, ())


def test_an_application_is_kept_with_the_reference_to_its_secret(here: Installation) -> None:
    given = Given(tenant="t-1", client_id="c-1", client_secret="env:APP", variables={"resource": "ours"})
    account = find_account(given, AZURE, here, is_lit=False)
    assert (account.credential, account.auth) == ("file:azure-ours", "entra")
    read = read_identity(kept(here, "azure-ours"), lambda reference: f"<{reference}>")
    assert (read.way, read.said.client_secret) == ("secret", "<env:APP>")


def test_a_managed_identity_is_a_document_too(here: Installation) -> None:
    account = find_account(Given(managed_identity="imds"), AZURE, here, is_lit=True)
    assert (account.credential, account.auth) == ("file:azure", "entra")
    assert read_identity(kept(here, "azure"), str).way == "imds"


def test_a_profile_s_keys_are_copied(here: Installation) -> None:
    account = find_account(Given(profile="keys"), BEDROCK, here, is_lit=False)
    assert account.auth == "sigv4"
    found = read_aws(kept(here, "bedrock"))
    assert isinstance(found, Keys)
    assert (found.access_key_id, found.secret_access_key) == ("AKIDMADEUP", "made-up-secret")


def test_a_profile_that_takes_a_role_becomes_one_that_does(here: Installation) -> None:
    given = Given(profile="worker", variables={"region": "eu-central-1"})
    find_account(given, BEDROCK, here, is_lit=False)
    found = read_aws(kept(here, "bedrock"))
    assert isinstance(found, Role)
    assert (found.role_arn, found.region) == ("arn:aws:iam::123456789012:role/garden", "eu-central-1")


def test_the_role_of_a_machine_holds_no_secret(here: Installation) -> None:
    find_account(Given(aws_role="instance"), BEDROCK, here, is_lit=False)
    assert msgspec.json.decode(kept(here, "bedrock")) == {"source": "instance"}


def test_google_s_key_file_is_kept_privately(here: Installation, tmp_path: Path) -> None:
    (tmp_path / "key.json").write_text('{"type": "service_account"}\n')
    given = Given(key_file=str(tmp_path / "key.json"), variables={"project": "p-1"})
    account = find_account(given, VERTEX, here, is_lit=False)
    assert (account.credential, account.auth) == ("file:vertex-p-1", None)
    assert "service_account" in kept(here, "vertex-p-1")


def test_a_machine_at_google_needs_no_key_file(here: Installation) -> None:
    find_account(Given(google_machine=True, variables={"project": "p-1"}), VERTEX, here, is_lit=False)
    assert msgspec.json.decode(kept(here, "vertex-p-1")) == {"type": "google-machine"}


def test_what_was_kept_for_an_account_is_used_again(here: Installation) -> None:
    given = Given(tenant="t-1", client_id="c-1", client_secret="env:APP", variables={"resource": "ours"})
    first = find_account(given, AZURE, here, is_lit=False)
    assert find_account(Given(variables={"resource": "ours"}), AZURE, here, is_lit=False) == first


def test_another_credential_of_the_same_name_is_not_overwritten(here: Installation) -> None:
    find_account(Given(profile="keys"), BEDROCK, here, is_lit=False)
    before = kept(here, "bedrock")
    with pytest.raises(ConfigurationError, match="kept as bedrock already"):
        find_account(Given(aws_role="instance"), BEDROCK, here, is_lit=False)
    assert kept(here, "bedrock") == before
    other = find_account(Given(aws_role="instance", credential_name="second"), BEDROCK, here, is_lit=False)
    assert other.credential == "file:second"


def test_a_dry_run_keeps_nothing(here: Installation) -> None:
    account = find_account(Given(profile="keys", is_dry_run=True), BEDROCK, here, is_lit=False)
    assert account.credential == "file:bedrock"
    assert here.home is not None
    assert list(here.home.credentials.iterdir()) == []


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (Given(client_secret="made-up-hunter2", tenant="t", client_id="c"), "never a secret itself"),
        (Given(client_secret="env:APP"), "--tenant and --client-id"),
        (Given(managed_identity="arc"), "neither `imds` nor"),
        (Given(aws_role="lambda"), "none of container, instance"),
        (Given(profile="nobody"), "no profile"),
        (Given(profile="browser"), "no key pair of its own"),
        (Given(profile="keys", aws_role="instance"), "stands beside --profile"),
        (Given(key_file="/nowhere.json"), "cannot be read"),
        (Given(credential="env:X", key_stdin=True), "--key-stdin|stands beside"),
    ],
)
def test_refuses_what_contradicts_itself_or_is_of_no_use(here: Installation, given: Given, said: str) -> None:
    with pytest.raises(ConfigurationError, match=said) as caught:
        find_account(given, BEDROCK, here, is_lit=False)
    assert "hunter2" not in f"{caught.value} {caught.value.hint}"
    assert caught.value.hint


def test_an_installation_elsewhere_keeps_no_secrets_from_here(here: Installation) -> None:
    far = msgspec.structs.replace(here, home=None)
    with pytest.raises(ConfigurationError, match="own machine only"):
        find_account(Given(profile="keys"), BEDROCK, far, is_lit=False)


def test_a_deployment_is_named_with_its_kind_and_model() -> None:
    assert read_deployment("ours=Standard") == {"name": "ours", "facts": {"sku": "Standard"}}
    assert read_deployment("ours") == {"name": "ours", "facts": {}}
    assert read_deployment("ours=Standard:gpt-4o")["model"] == "gpt-4o"
    with pytest.raises(ConfigurationError, match="NAME=SKU"):
        read_deployment("=Standard")


def test_a_person_is_asked_for_the_missing_parts_only() -> None:
    typed, asked = ["", "example-project"], list[str]()

    def answer(question: str) -> str:
        asked.append(question)
        return typed.pop(0)

    found = ask_parts(VERTEX, {"region": "europe-west4"}, ask=answer)
    assert found == {"region": "europe-west4", "project": "example-project"}
    assert len(asked) == 2
    assert all("project" in question for question in asked)


def test_a_person_chooses_how_the_host_is_opened() -> None:
    typed = ["2", "t-1", "c-1"]
    answers = Answers({})
    ask_credential(AZURE, answers, ask=lambda _: typed.pop(0), hidden=lambda _: "made-up")
    assert answers.document is not None
    assert read_identity(answers.document.text, str).way == "secret"
    assert "made-up" not in repr(answers)


def test_a_host_with_one_way_asks_for_the_key_at_once() -> None:
    answers = Answers({})
    ask_credential(MISTRAL, answers, ask=lambda _: pytest.fail("nothing to choose"), hidden=lambda _: "made-up")
    assert answers.key == "made-up"


def test_where_azure_s_lists_stay_closed_deployments_are_asked_for() -> None:
    typed = ["swedencentral", "gpt-4o=DataZoneStandard embedder=Standard"]
    answers = Answers({"resource": "ours"})
    ask_lists(AZURE, answers, by_entra=False, ask=lambda _: typed.pop(0))
    assert answers.deployments == ("gpt-4o=DataZoneStandard", "embedder=Standard")
    assert answers.variables == {"resource": "ours", "region": "swedencentral"}


def test_by_entra_id_subscription_and_group_are_asked_for_instead() -> None:
    typed = ["sub-1", "group-1"]
    answers = Answers({"resource": "ours"})
    ask_lists(AZURE, answers, by_entra=True, ask=lambda _: typed.pop(0))
    assert answers.variables == {"resource": "ours", "subscription": "sub-1", "resource_group": "group-1"}
    assert answers.deployments == ()
