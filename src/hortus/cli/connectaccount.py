"""Who are we at a host? Joins what was given on the command line, lies in a file here, or is asked of a person."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from getpass import getpass
from pathlib import Path

import msgspec

from hortus.app.ground import write_private
from hortus.base.errors import ConfigurationError
from hortus.catalog.auth import RENEWED, SIGNED
from hortus.catalog.rows import Host
from hortus.cli.connectasks import Answers, ask_credential, ask_lists, ask_parts
from hortus.cli.credentialdocs import (
    Document,
    aws_profile,
    aws_role,
    check_reference,
    entra_application,
    google_key_file,
    google_machine,
    managed_identity,
)
from hortus.cli.place import Installation

_LONGEST_SECRET_BYTES = 16_384
_ACCOUNT_PARTS = ("resource", "project")
"""Parts of addresses that are an account by themselves: each has a credential of its own."""


class Given(msgspec.Struct, frozen=True, kw_only=True):
    """What the command line says of the account; see the options of `hortus connect`."""

    credential: str | None = None
    credential_name: str | None = None
    key_stdin: bool = False
    auth: str | None = None
    tenant: str | None = None
    client_id: str | None = None
    client_secret: str | None = None
    managed_identity: str | None = None
    profile: str | None = None
    aws_role: str | None = None
    key_file: str | None = None
    google_machine: bool = False
    variables: dict[str, str] = {}
    deployments: tuple[str, ...] = ()
    is_dry_run: bool = False
    may_ask: bool = False
    is_elsewhere: bool = False


class Account(msgspec.Struct, frozen=True):
    """Who we are there, as the admin API takes it."""

    credential: str | None
    auth: str | None
    variables: dict[str, str]
    names: tuple[dict[str, object], ...]


def find_account(given: Given, host: Host, installation: Installation, *, is_lit: bool) -> Account:
    """Return the account; what is missing is asked for where a person is there, and secrets are kept privately.

    Args:
        given: What the command line says.
        host: The host's row.
        installation: Where secrets are kept.
        is_lit: Whether the host's usual variable is set there.

    Raises:
        ConfigurationError: What was given contradicts itself, or is of no use.
    """
    answers = Answers(dict(given.variables), _document(given), deployments=given.deployments)
    asks = given.may_ask and not given.is_elsewhere
    if asks:
        answers.variables = ask_parts(host, answers.variables)
    name = _name_of(given, host, answers.variables)
    credential = _reference(given, host, installation, name=name, is_lit=is_lit)
    if asks and not is_lit and credential is None:
        ask_credential(host, answers)
    auth = given.auth or answers.auth or _auth_of(installation, credential)
    if answers.is_new:
        credential = _keep_new(answers, host, installation, name=name, is_dry_run=given.is_dry_run)
    if asks:
        ask_lists(host, answers, by_entra=auth == "entra")
    return _joined(host, answers, credential=credential, auth=auth)


def _joined(host: Host, answers: Answers, *, credential: str | None, auth: str | None) -> Account:
    usual = host.surfaces[0].auth if host.surfaces else None
    names = tuple(read_deployment(text) for text in answers.deployments)
    return Account(credential, None if auth == usual else auth, answers.variables, names)


def _name_of(given: Given, host: Host, variables: Mapping[str, str]) -> str:
    """Return under which name an account's credential is kept."""
    parts = (value for part, value in variables.items() if part in _ACCOUNT_PARTS)
    return given.credential_name or "-".join((host.id, *parts))


def _reference(given: Given, host: Host, installation: Installation, *, name: str, is_lit: bool) -> str | None:
    """Return the reference that was given, or that an earlier connecting of this account left; None: there is none."""
    if given.key_stdin:
        return _take_piped(given, host, installation)
    return given.credential if given.credential or is_lit else _kept(installation, name)


def _document(given: Given) -> Document | None:
    """Return the document that the options describe, None where they describe none."""
    said = {
        "--client-secret": given.client_secret,
        "--managed-identity": given.managed_identity,
        "--profile": given.profile,
        "--aws-role": given.aws_role,
        "--key-file": given.key_file,
        "--google-machine": given.google_machine or None,
        "--credential": given.credential,
        "--key-stdin": given.key_stdin or None,
    }
    named = [option for option, value in said.items() if value]
    if len(named) > 1:
        hint = "Give one of the two: a reference or the key." if "--credential" in named else "Give one of them."
        raise ConfigurationError(f"it stands beside {named[0]}.", path=named[-1], hint=hint)
    return _described(given)


def _described(given: Given) -> Document | None:
    if given.client_secret:
        secret = check_reference(given.client_secret, "--client-secret")
        if not given.tenant or not given.client_id:
            hint = "An application is named by both."
            raise ConfigurationError("it needs --tenant and --client-id.", path="--client-secret", hint=hint)
        return entra_application(given.tenant, given.client_id, secret=secret)
    if given.managed_identity:
        return managed_identity(given.managed_identity, client=given.client_id or "")
    if given.profile:
        region = given.variables.get("region", "")
        return aws_profile(given.profile, folder=Path.home() / ".aws", region=region)
    if given.aws_role:
        return aws_role(given.aws_role)
    if given.google_machine:
        return google_machine()
    return google_key_file(Path(given.key_file).expanduser()) if given.key_file else None


def _kept(installation: Installation, name: str) -> str | None:
    """Return the reference to what an earlier connecting of this account kept."""
    is_there = installation.home is not None and (installation.home.credentials / name).is_file()
    return f"file:{name}" if is_there else None


class _Kind(msgspec.Struct):
    type: str = ""
    source: str = ""


def _auth_of(installation: Installation, credential: str | None) -> str | None:
    """Return how a document that is kept here is sent; None for a plain key, and for what lies elsewhere."""
    if credential is None or not credential.startswith("file:") or installation.home is None:
        return None
    try:
        said = msgspec.json.decode((installation.home.credentials / credential[5:]).read_bytes(), type=_Kind)
    except (OSError, msgspec.DecodeError):
        return None
    if said.type == "entra":
        return "entra"
    return "sigv4" if said.source else None


def _keep_new(answers: Answers, host: Host, installation: Installation, *, name: str, is_dry_run: bool) -> str:
    """Keep a document or key in a file that only its owner reads; never over another one."""
    text = answers.document.text if answers.document is not None else check_secret(answers.key or "", host)
    if is_dry_run:
        return f"file:{name}"
    home = _own_home(installation, "--credential-name")
    file = home / name
    if file.is_file() and file.read_text("utf-8").strip() != text:
        message = f"another credential is kept as {name} already."
        hint = "Keep both by another name (`--credential-name NAME`), or remove that file first."
        raise ConfigurationError(message, path="--credential-name", hint=hint)
    write_private(file, text.encode())
    return f"file:{name}"


def _take_piped(given: Given, host: Host, installation: Installation) -> str:
    """Keep what comes through standard input; it is in no argument, no log and no answer."""
    name = given.credential_name or host.id
    if not given.is_dry_run:
        home = _own_home(installation, "--key-stdin")
        is_person = sys.stdin.isatty()
        secret = getpass("The host's key (not shown): ") if is_person else sys.stdin.read(_LONGEST_SECRET_BYTES)
        write_private(home / name, check_secret(secret, host, auth=given.auth).encode())
    return f"file:{name}"


def _own_home(installation: Installation, option: str) -> Path:
    if installation.home is None:
        hint = "Set the host's variable there."
        raise ConfigurationError("works on the installation's own machine only.", path=option, hint=hint)
    return installation.home.credentials


def check_secret(text: str, host: Host, *, auth: str | None = None) -> str:
    """Return what authenticates at the host: a key, or the JSON document of an account or identity.

    Raises:
        ConfigurationError: What came is neither.
    """
    secret = text.strip()
    wants_file = any((auth or surface.auth) in RENEWED | SIGNED for surface in host.surfaces)
    is_fit = secret.startswith("{") if wants_file else secret.isprintable()
    if not secret or not is_fit or not secret.isascii():
        hint = (
            "Pipe in the JSON file of the service account or identity."
            if wants_file
            else "Pipe in the key and nothing else."
        )
        raise ConfigurationError("what came is no key.", path="--key-stdin", hint=hint)
    return secret


def read_variables(texts: Iterable[str]) -> dict[str, str]:
    """Read `NAME=VALUE`. Raises ConfigurationError where one is something else."""
    found = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not (name and equals and value):
            raise ConfigurationError("it takes NAME=VALUE.", path="--set", hint="Such as --set region=europe-west4.")
        found[name] = value
    return found


def read_deployment(text: str) -> dict[str, object]:
    """Read `NAME=SKU` or `NAME=SKU:MODEL` as the admin API takes it.

    >>> read_deployment("ours=GlobalStandard:gpt-4o")
    {'name': 'ours', 'facts': {'sku': 'GlobalStandard'}, 'model': 'gpt-4o'}

    Raises:
        ConfigurationError: There is no name.
    """
    name, _, rest = text.partition("=")
    sku, _, model = rest.partition(":")
    if not name:
        hint = "Such as --deployment gpt-4o=DataZoneStandard."
        raise ConfigurationError("it takes NAME=SKU or NAME=SKU:MODEL.", path="--deployment", hint=hint)
    facts: Mapping[str, str] = {"sku": sku} if sku else {}
    return {"name": name, "facts": facts, **({"model": model} if model else {})}
