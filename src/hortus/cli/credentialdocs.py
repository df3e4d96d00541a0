"""Which document opens a cloud: an application or machine at Entra ID, a key pair or role at AWS, a Google account?

Makes documents and reads AWS's own files; asks nobody and writes nothing.
"""

from __future__ import annotations

import configparser
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import msgspec
from typing_extensions import override

from hortus.base.errors import ConfigurationError

_REFERENCE: Final = re.compile(r"(env|file):.+")
_LONGEST_BYTES = 16_384
_ROLES: Final = frozenset({"instance", "container"})


class Document(msgspec.Struct, frozen=True):
    """A credential as it is kept, and how it is sent.

    Attributes:
        auth: Scheme of the endpoints that it opens.
        text: JSON; never shown.
    """

    auth: str
    text: str

    @override
    def __repr__(self) -> str:
        return f"Document({self.auth}, <hidden>)"


def entra_application(tenant: str, client: str, *, secret: str) -> Document:
    """Return the document of an application: its secret, or a reference to it."""
    return _document("entra", type="entra", tenant_id=tenant, client_id=client, client_secret=secret)


def managed_identity(kind: str, *, client: str = "") -> Document:
    """Return the document of the machine or App Service that Hortus runs on.

    Raises:
        ConfigurationError: There is no such kind.
    """
    if kind not in {"imds", "app-service"}:
        message = "it is neither `imds` nor `app-service`."
        raise ConfigurationError(message, path="--managed-identity", hint="A virtual machine's is `imds`.")
    more = {"client_id": client} if client else {}
    return _document("entra", type="entra", managed_identity=kind, **more)


def key_pair(key_id: str, secret: str, *, token: str = "") -> Document:
    """Return the document of an AWS key pair."""
    more = {"session_token": token} if token else {}
    return _document("sigv4", source="keys", access_key_id=key_id, secret_access_key=secret, **more)


def aws_role(kind: str) -> Document:
    """Return the document of the role that this machine (`instance`) or container (`container`) has at AWS.

    Raises:
        ConfigurationError: There is no such kind.
    """
    if kind not in _ROLES:
        message = f"it is none of {', '.join(sorted(_ROLES))}."
        raise ConfigurationError(
            message, path="--aws-role", hint="EC2's is `instance`; that of ECS and EKS `container`."
        )
    return _document("sigv4", source=kind)


def aws_profile(name: str, *, folder: Path, region: str) -> Document:
    """Return what a profile of AWS's own files stands for: its key pair, or a role that it takes by another's.

    Args:
        name: Of the profile.
        folder: Where AWS's tools keep `credentials` and `config`.
        region: Where a role is taken.

    Raises:
        ConfigurationError: There is no such profile, or it is one of a kind that cannot be copied.
    """
    profiles = _read_profiles(folder)
    found = profiles.get(name)
    if found is None:
        known = ", ".join(sorted(profiles)) or "none"
        raise ConfigurationError(f"`{name}` is no profile there.", path="--profile", hint=f"There are: {known}.")
    if "role_arn" not in found:
        return _pair_of(found, name)
    base = profiles.get(found.get("source_profile", ""))
    if base is None:
        raise _uncopied(name, "takes a role by something other than another profile's keys")
    inner = msgspec.json.decode(_pair_of(base, found["source_profile"]).text)
    more = {"external_id": found["external_id"]} if "external_id" in found else {}
    return _document("sigv4", source="role", role_arn=found["role_arn"], region=region, **more, **{"from": inner})


def google_key_file(path: Path) -> Document:
    """Return the key file of a service account.

    Raises:
        ConfigurationError: It cannot be read, or is none.
    """
    try:
        text = path.read_bytes()[:_LONGEST_BYTES].decode("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(
            "it cannot be read.", path="--key-file", hint="Give the path of the JSON file."
        ) from error
    if not text.startswith("{") or '"service_account"' not in text:
        hint = "Make one at Google Cloud: IAM, Service accounts, Keys, JSON."
        raise ConfigurationError("it is not the JSON key file of a service account.", path="--key-file", hint=hint)
    return Document("google-oauth", text)


def google_machine() -> Document:
    """Return the document of the machine at Google that Hortus runs on."""
    return _document("google-oauth", type="google-machine")


def check_reference(text: str, option: str) -> str:
    """Return a reference; a secret itself is refused, for arguments are seen by everybody on a machine.

    Raises:
        ConfigurationError: It is no reference.
    """
    if not _REFERENCE.fullmatch(text):
        hint = "Write env:NAME or file:NAME; without the option it is asked for, and not shown."
        raise ConfigurationError("it takes a reference, never a secret itself.", path=option, hint=hint)
    return text


def _document(auth: str, **members: object) -> Document:
    return Document(auth, msgspec.json.encode(members).decode())


def _read_profiles(folder: Path) -> dict[str, Mapping[str, str]]:
    """Read AWS's two files; `[profile x]` of one is `[x]` of the other.

    https://docs.aws.amazon.com/sdkref/latest/guide/file-format.html, recalled 2026-11.
    """
    parser = configparser.RawConfigParser(default_section="\0")
    try:
        parser.read([folder / "config", folder / "credentials"], encoding="utf-8")
    except (configparser.Error, UnicodeDecodeError) as error:
        message = "AWS's files cannot be read."
        raise ConfigurationError(message, path="--profile", hint=f"Look at those in {folder}.") from error
    profiles: dict[str, dict[str, str]] = {}
    for section in parser.sections():
        profiles.setdefault(section.removeprefix("profile ").strip(), {}).update(parser.items(section))
    return dict(profiles)


def _pair_of(found: Mapping[str, str], name: str) -> Document:
    key_id, secret = found.get("aws_access_key_id", ""), found.get("aws_secret_access_key", "")
    if not key_id or not secret:
        raise _uncopied(name, "holds no key pair of its own (it may sign in by a browser or run a program)")
    return key_pair(key_id, secret, token=found.get("aws_session_token", ""))


def _uncopied(name: str, what: str) -> ConfigurationError:
    hint = "Use a profile with keys, a role of this machine (`--aws-role`), or a Bedrock API key."
    return ConfigurationError(f"the profile `{name}` {what}.", path="--profile", hint=hint)
