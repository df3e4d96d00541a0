"""Asks a host which models an account has, and says what to do about each way in which that can fail.

Only GETs that cost nothing; a message holds a host's own word for an error at most, never anything else of an answer.
"""

from __future__ import annotations

import re
from email.utils import parsedate_to_datetime
from typing import Final
from urllib.parse import quote

import msgspec

from hortus.base.errors import ConfigurationError, HortusError
from hortus.canon.errors import HostFault, HostRefused, HostTimedOut
from hortus.catalog.cloudlistings import merge, read_listing
from hortus.catalog.gaps import gaps_in
from hortus.catalog.listcall import AccountCall
from hortus.catalog.listings import Listing
from hortus.catalog.rows import Auth, Host
from hortus.control.errors import HostFailed
from hortus.control.plane import Plane
from hortus.gateway.ports import HostRequest
from hortus.snapshot.model import Timeouts

TIMEOUTS: Final = Timeouts(connect_s=5.0, first_byte_s=20.0, idle_s=20.0, total_s=60.0)
_LONGEST_BYTES = 4 * 1024 * 1024
"""Of one page; what is read of it takes some thirty times as much room."""

_MOST_PAGES = 40
_MOST_ENTRIES = 20_000
"""Of one list, far above any account's."""

_OK, _BAD_REQUEST, _UNAUTHENTICATED, _FORBIDDEN, _NOT_FOUND = 200, 400, 401, 403, 404
_TOO_MANY, _SERVER_ERROR = 429, 500
_OFF_BY_S = 240
"""Makers take a signature or claim for about five minutes."""

_WORD = re.compile(r"[A-Za-z][A-Za-z0-9_.]{0,60}")
_CLOCK_WORDS: Final = frozenset({"RequestExpired", "RequestTimeTooSkewed", "InvalidSignatureException"})
_KEY_WORDS: Final = frozenset(
    {"UnrecognizedClientException", "InvalidClientTokenId", "ExpiredTokenException", "MissingAuthenticationToken"}
)
"""What AWS calls a credential that it does not know, though its status is that of a missing permission."""


class Account(msgspec.Struct, frozen=True):
    """How an account at a host is asked.

    Attributes:
        credential: Reference to what opens it; None where nothing does.
        may_be_private: Whether its addresses may lie on this machine or in a private network.
    """

    host: Host
    auth: Auth
    credential: str | None
    may_be_private: bool = False


class Answered(msgspec.Struct, frozen=True):
    """What a host answered. `word`: its own name of the error, empty where it says none."""

    status: int
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes
    word: str = ""


async def survey(plane: Plane, account: Account, calls: tuple[AccountCall, ...]) -> Listing:
    """Return what the lists of an account say together.

    Raises:
        HostFailed: The host cannot be asked, says no, or answers in another shape; the hint says what to do.
    """
    return merge(tuple([await _read_all(plane, account, call) for call in calls]))


async def _read_all(plane: Plane, account: Account, call: AccountCall) -> Listing:
    """Return one list with all its pages."""
    pages: list[Listing] = []
    url = call.url
    while len(pages) < _MOST_PAGES:
        answer = await ask(plane, account, _request(url, call, account), audience=call.audience)
        if answer.status != _OK:
            raise refused(plane, account, answer, permission=call.permission, url=call.url)
        try:
            pages.append(read_listing(answer.body, shape=call.shape))
        except HortusError as error:
            raise HostFailed(f"{account.host.name}: {error.message}", path="host", hint=error.hint) from error
        _check_size(pages, account.host)
        following = pages[-1].next_page
        if following is None:
            break
        name, value = (quote(part, safe="$") for part in following)
        url = f"{call.url}{'&' if '?' in call.url else '?'}{name}={value}"
    entries = tuple(entry for page in pages for entry in page.entries)
    return Listing(entries, is_complete=pages[-1].is_complete, region=pages[0].region)


def _check_size(pages: list[Listing], host: Host) -> None:
    if sum(len(page.entries) for page in pages) > _MOST_ENTRIES:
        message = f"{host.name} lists more than {_MOST_ENTRIES} models."
        raise HostFailed(message, path="host", hint="Is that the right address? Name the models: `--model`.")


def _request(url: str, call: AccountCall, account: Account) -> HostRequest:
    pairs = tuple((name.encode("ascii"), value.encode("latin-1", "replace")) for name, value in call.headers)
    headers = ((b"accept", b"application/json"), *pairs)
    return HostRequest("GET", url, headers, b"", TIMEOUTS, may_be_private=account.may_be_private)


async def ask(plane: Plane, account: Account, request: HostRequest, *, audience: str = "") -> Answered:
    """Send one call, opened by the account's credential.

    Raises:
        HostFailed: It cannot be opened or sent.
    """
    name = account.host.name
    try:
        if account.credential is not None and account.auth != "none":
            opening = await plane.ports.opening.headers(
                account.auth, account.credential, request=request, audience=audience
            )
            request = msgspec.structs.replace(request, headers=(*request.headers, *opening))
        response = await plane.ports.hosts.send(request)
        try:
            body = await response.read(_LONGEST_BYTES)
        finally:
            response.close()
    except ConfigurationError as error:
        message = f"{name} cannot be asked: {error.message}."
        raise HostFailed(message, path="credential", hint=error.hint or "Mend the credential.") from error
    except HostFault as error:
        raise _unreachable(account, error) from error
    headers = tuple(response.headers)
    return Answered(response.status, headers, body, _word(headers, body))


def _unreachable(account: Account, error: HostFault) -> HostFailed:
    return HostFailed(f"{account.host.name}: {error.message}", path="host", hint=_way_out(account, error))


def _way_out(account: Account, error: HostFault) -> str:
    """Return what to do where the host was not asked at all."""
    hint = error.hint or "Check the network and the proxy (`https_proxy`, `ca_bundle`)."
    if isinstance(error, HostRefused):
        mine = "tenant, client and proof" if account.auth == "entra" else "everything in it"
        return f"Look at the credential {account.credential}: is {mine} right? And is this machine's clock?"
    mine = own_parts(account.host)
    if not mine or isinstance(error, HostTimedOut):
        return hint
    return f"{hint} Or is {mine} not what it should be?"


def refused(plane: Plane, account: Account, answer: Answered, *, permission: str, url: str) -> HostFailed:
    """Return the error for an answer that is not `OK`, with what to do about it."""
    word = f" ({answer.word})" if answer.word else ""
    message = f"{account.host.name} answered {answer.status}{word}."
    return HostFailed(message, path="host", hint=_advice(plane, account, answer, permission=permission, url=url))


def _advice(plane: Plane, account: Account, answer: Answered, *, permission: str, url: str) -> str:
    status = answer.status
    if status in {_BAD_REQUEST, _UNAUTHENTICATED, _FORBIDDEN}:
        return _unopened(plane, account, answer, permission=permission)
    if status == _NOT_FOUND:
        mine = own_parts(account.host, url) or "`base_url`"
        return f"Nothing is there: is {mine} right?"
    if status == _TOO_MANY or status >= _SERVER_ERROR:
        return "Try again later; the host is busy or has a fault of its own."
    return f"Look at {account.host.docs} for what this means."


def _unopened(plane: Plane, account: Account, answer: Answered, *, permission: str) -> str:
    """Return what to do where the host does not take the credential, or not for this."""
    off_s = _clock_off_s(plane, answer)
    if abs(off_s) > _OFF_BY_S:
        where = "behind" if off_s > 0 else "ahead of"
        return f"This machine's clock is {abs(off_s)} s {where} the host's: set it right (timedatectl set-ntp true)."
    if answer.word in _CLOCK_WORDS:
        return "The signature does not fit: is the secret whole, and this machine's clock right?"
    if answer.status == _UNAUTHENTICATED or answer.word in _KEY_WORDS:
        return _wrong_key(account)
    if answer.status == _FORBIDDEN:
        named = f"`{permission}`" if permission else "what lists its models"
        return f"The credential is known, but may not do this: allow it {named} at the host, in the right account."
    return f"Look at {account.host.docs} for what this means."


def _wrong_key(account: Account) -> str:
    reference = account.credential or "no credential"
    mine = own_parts(account.host)
    also = f" Or does it belong to another {mine}?" if mine else ""
    return f"The host does not take the credential {reference}: is it whole, in force and of this host?{also}"


def own_parts(host: Host, url: str = "") -> str:
    """Return the names of the parts of a host's addresses that are the operator's, for a sentence; empty: none."""
    texts = (url, *(one.url for one in host.lists), *(surface.base_url or "" for surface in host.surfaces))
    names = dict.fromkeys(name for text in texts for name in gaps_in(text))
    return " or ".join(f"`{name}`" for name in names)


def _clock_off_s(plane: Plane, answer: Answered) -> int:
    """Return by how many seconds the host's clock is ahead of ours; 0 where it does not say."""
    said = next((value for name, value in answer.headers if name == b"date"), b"")
    try:
        theirs_s = parsedate_to_datetime(said.decode("latin-1")).timestamp()
    except ValueError:
        return 0
    return round(theirs_s - plane.ports.clock.now_ms() / 1000)


class _Inner(msgspec.Struct):
    code: str | int | None = None
    status: str | None = None
    type: str | None = None


class _Outer(msgspec.Struct):
    error: _Inner | str | None = None
    code: str | int | None = None


def _word(headers: tuple[tuple[bytes, bytes], ...], body: bytes) -> str:
    """Return the host's own name of an error: AWS says it in a header, others in the body."""
    named = next((value for name, value in headers if name == b"x-amzn-errortype"), b"").decode("latin-1")
    found: tuple[object, ...] = (named.partition(":")[0],)
    try:
        said = msgspec.json.decode(body, type=_Outer)
    except (msgspec.DecodeError, RecursionError):
        said = _Outer()
    inner = said.error if isinstance(said.error, _Inner) else _Inner()
    outer = said.error if isinstance(said.error, str) else None
    for one in (*found, inner.status, inner.code, inner.type, outer, said.code):
        if isinstance(one, str) and _WORD.fullmatch(one):
            return one
    return ""
