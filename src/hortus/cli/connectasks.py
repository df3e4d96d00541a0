"""What does this host need that nobody said yet? Asks a person, with defaults; secrets are typed unseen."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from getpass import getpass
from pathlib import Path
from types import MappingProxyType
from typing import Final

import msgspec
from typing_extensions import override

from hortus.catalog.listcall import list_gaps
from hortus.catalog.rows import Host
from hortus.cli.credentialdocs import (
    Document,
    entra_application,
    google_key_file,
    google_machine,
    key_pair,
    managed_identity,
)
from hortus.cli.screen import note

Ask = Callable[[str], str]


class Answers(msgspec.Struct):
    """What a person said.

    Attributes:
        variables: Parts of the host's addresses.
        document: What opens it, where that is more than a key.
        key: A plain key; never shown.
        deployments: As `--deployment` takes them.
    """

    variables: dict[str, str]
    document: Document | None = None
    key: str | None = None
    deployments: tuple[str, ...] = ()

    @property
    def auth(self) -> str | None:
        """How the document is sent; None where there is none."""
        return self.document.auth if self.document is not None else None

    @property
    def is_new(self) -> bool:
        """Whether there is a credential to be kept."""
        return self.document is not None or self.key is not None

    @override
    def __repr__(self) -> str:
        return "Answers(<hidden>)"


def ask_parts(host: Host, given: Mapping[str, str], *, ask: Ask = input) -> dict[str, str]:
    """Return the parts of the host's addresses, those that are missing asked for."""
    found = dict(given)
    for name, words in host.asks.items():
        while not found.get(name):
            found[name] = ask(f"{words}: ").strip()
    return found


def ask_credential(host: Host, answers: Answers, *, ask: Ask = input, hidden: Ask = getpass) -> None:
    """Fill in what opens the host: a key, or a document of the kind that is chosen."""
    ways = _ways(host)
    if answers.is_new or not ways:
        return
    chosen = ways[0]
    if len(ways) > 1:
        note("How does Hortus open it?")
        for number, way in enumerate(ways, start=1):
            note(f"  {number}  {_WORDS[way]}")
        number_said = ask("Number [1]: ").strip() or "1"
        chosen = (
            ways[int(number_said) - 1] if number_said.isdecimal() and 0 < int(number_said) <= len(ways) else ways[0]
        )
    if chosen == "key":
        answers.key = hidden("The host's key (not shown): ")
    else:
        answers.document = _DOCUMENTS[chosen](ask, hidden)


def ask_lists(host: Host, answers: Answers, *, by_entra: bool, ask: Ask = input) -> None:
    """Ask for what only the host's lists need; where they stay closed, for the names of deployments."""
    if answers.deployments or not list_gaps(host) or not host.has_own_names:
        return
    if by_entra:
        _ask_for_lists(host, answers, ask)
    if not (by_entra and list_gaps(host) <= answers.variables.keys()):
        _ask_for_deployments(answers, ask)


def _ask_for_lists(host: Host, answers: Answers, ask: Ask) -> None:
    note("Azure lists deployments by subscription and resource group; leave them empty to name deployments.")
    for name in sorted(list_gaps(host) - answers.variables.keys(), reverse=True):
        said = ask(f"{name.replace('_', ' ').capitalize()}: ").strip()
        if not said:
            return
        answers.variables[name] = said


def _ask_for_deployments(answers: Answers, ask: Ask) -> None:
    if "region" not in answers.variables:
        region = ask("Region of the resource, such as swedencentral (empty: unknown): ").strip()
        answers.variables |= {"region": region} if region else {}
    said = ask("Deployments, each NAME=SKU such as gpt-4o=DataZoneStandard, with blanks between: ")
    answers.deployments = tuple(said.split())


def _ways(host: Host) -> tuple[str, ...]:
    auths = dict.fromkeys(auth for one in host.surfaces for auth in (one.auth, *one.other_auths))
    ways = [way for auth in auths for way in _WAYS.get(auth, ("key",)) if auth != "none"]
    return tuple(dict.fromkeys(ways))


def _application(ask: Ask, hidden: Ask) -> Document:
    tenant, client = ask("Tenant (directory) id: ").strip(), ask("Client (application) id: ").strip()
    return entra_application(tenant, client, secret=hidden("Client secret (not shown): ").strip())


def _machine(ask: Ask, hidden: Ask) -> Document:
    del hidden
    return managed_identity(ask("imds (virtual machine) or app-service [imds]: ").strip() or "imds")


def _pair(ask: Ask, hidden: Ask) -> Document:
    return key_pair(ask("Access key id: ").strip(), hidden("Secret access key (not shown): ").strip())


def _key_file(ask: Ask, hidden: Ask) -> Document:
    del hidden
    return google_key_file(Path(ask("Path of the service account's JSON key file: ").strip()).expanduser())


def _google_machine(ask: Ask, hidden: Ask) -> Document:
    del ask, hidden
    return google_machine()


_WAYS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {"entra": ("application", "machine"), "sigv4": ("pair",), "google-oauth": ("key-file", "google-machine")}
)
"""Scheme -> what may be behind it; any other is opened by a key."""

_WORDS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "key": "an API key",
        "application": "Entra ID: an application with a secret",
        "machine": "Entra ID: the managed identity of this machine",
        "pair": "an AWS key pair (profiles and roles: --profile, --aws-role)",
        "key-file": "a service account of Google Cloud, by its key file",
        "google-machine": "the service account of this machine at Google Cloud",
    }
)
_DOCUMENTS: Final[Mapping[str, Callable[[Ask, Ask], Document]]] = MappingProxyType(
    {
        "application": _application,
        "machine": _machine,
        "pair": _pair,
        "key-file": _key_file,
        "google-machine": _google_machine,
    }
)
