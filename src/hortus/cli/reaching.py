"""Do endpoints lie where they may be called? Names are looked up as a worker would, for two seconds at most."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterable, Iterator
from urllib.parse import urlsplit

import msgspec

from hortus.app.clock import SystemClock
from hortus.base.addresses import Permission, address_in, read_address, why_not
from hortus.cli.checks import Finding, Patient
from hortus.cli.config import networks_of
from hortus.snapshot.model import ENGINE_SCHEME, Endpoint, Snapshot
from hortus.snapshot.surfaces import OPEN_HOSTS

_LOOK_UP_S = 2.0
_MOST_NAMES = 32


def check_reach(patient: Patient) -> Iterator[Finding]:
    """Is the address of each endpoint public, or allowed?"""
    try:
        snapshot = msgspec.json.decode(patient.home.snapshot.read_bytes(), type=Snapshot)
    except (OSError, msgspec.MsgspecError):
        return
    networks = networks_of(patient.loaded)
    settings = patient.loaded.settings
    endpoints = [one for one in snapshot.endpoints.values() if not one.address.startswith(ENGINE_SCHEME)]
    is_direct = settings.https_proxy is None and settings.http_proxy is None  # else names are the proxy's
    found = _look_up(_names_of(endpoints)) if is_direct else {}
    for endpoint in endpoints:
        permission = Permission(endpoint.may_be_private, networks)
        kinds = {kind for text in _addresses_of(endpoint, found) if (kind := _judge(text, permission)) is not None}
        if kinds:
            is_openable = kinds <= {"loopback", "private"}
            mend = "Set private_address = true there" if is_openable else "Name its network in private_networks"
            says = f"Its address is not public ({', '.join(sorted(kinds))}), and nobody has allowed that."
            yield Finding(f"endpoint {endpoint.name}", "bad", says, f"{mend}, if that is meant.")


def _judge(text: str, permission: Permission) -> str | None:
    address = read_address(text)
    return why_not(address, permission) if address is not None else None


def _names_of(endpoints: Iterable[Endpoint]) -> list[str]:
    """Return the names that an admin wrote; those of the catalog's own addresses need no look-up."""
    own = [one for one in endpoints if one.host in OPEN_HOSTS]
    hosts = [urlsplit(spoken.address).hostname for one in own for spoken in one.spoken]
    return list(dict.fromkeys(host for host in hosts if host and read_address(host) is None))[:_MOST_NAMES]


def _addresses_of(endpoint: Endpoint, found: dict[str, list[str]]) -> Iterator[str]:
    for spoken in endpoint.spoken:
        literal = address_in(spoken.address)
        if literal is not None:
            yield str(literal)
        yield from found.get(urlsplit(spoken.address).hostname or "", ())


def _look_up(names: Iterable[str]) -> dict[str, list[str]]:
    """Return the addresses of names that can be found in time; a look-up cannot be stopped, only left behind."""
    found: dict[str, list[str]] = {}
    clock = SystemClock()
    ends_at_s = clock.monotonic_s() + _LOOK_UP_S
    threads = [threading.Thread(target=_find, args=(name, found), daemon=True) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(max(0.0, ends_at_s - clock.monotonic_s()))
    return dict(found)


def _find(name: str, found: dict[str, list[str]]) -> None:
    try:
        answers = socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)
    except OSError:
        return  # the first request says so
    found[name] = [str(answer[4][0]) for answer in answers]
