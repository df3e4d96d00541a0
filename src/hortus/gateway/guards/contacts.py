"""By which address is a person reached? E-mail, telephone and IP addresses, found from the sign that each must have."""

from __future__ import annotations

import re
from collections.abc import Iterable
from ipaddress import AddressValueError, IPv4Address, IPv6Address, IPv6Network

from hortus.gateway.guards.folding import View
from hortus.gateway.guards.hits import Hit, Neighbourhood, Words
from hortus.gateway.guards.phones import CALLING_CODES, PHONE_STEMS, PHONE_WORDS

_EMAIL_RANK = 85
_INTERNATIONAL_RANK = 72
_NATIONAL_RANK = 70
_IP_RANK = 50

_AT_SIGNS = ("@", "%40", "(at)", "[at]")
_LOCAL_LENGTH = 64
_LOCAL = re.compile(r"[\w+'-]+(?:\.[\w+'-]+)*\Z")
_DOMAIN = re.compile(r"[ ]?(?:[^\W_](?:[\w-]{0,61}[^\W_])?\.){1,8}[^\W\d_](?:[^\W_]|-(?=[^\W_])){1,23}(?![\w-])")
_MARKDOWN = "'_*"


class Emails:
    """Addresses with an `@`, also as `%40` in an address bar and as `(at)`."""

    def seek(self, view: View) -> Iterable[Hit]:
        """Every local part with a domain after it; `git@` is a program's name for itself."""
        text = view.text
        for sign in _AT_SIGNS:
            place = text.find(sign)
            while place >= 0:
                if found := _email(text, place, sign):
                    yield Hit(_EMAIL_RANK, *found, "personal_data", "email")
                place = text.find(sign, place + len(sign))


def _email(text: str, place: int, sign: str) -> tuple[int, int] | None:
    """From the local part before a sign to the end of the domain after it."""
    after, is_written_out = place + len(sign), sign != "@"
    if not text[after : after + 1].isalnum() and not (is_written_out and text.startswith(" ", after)):
        return None
    domain = _DOMAIN.match(text, after)
    until = place - 1 if is_written_out and text[place - 1 : place] == " " else place
    name = _local(text, until) if domain else ""
    return (until - len(name), domain.end()) if domain and name and name != "git" else None


def _local(text: str, until: int) -> str:
    """What stands before the sign without a blank, bare of quotes and Markdown."""
    last = text[max(0, until - 1) : until]
    if not (last.isalnum() or last in {"_", "+", "'", "-"}):
        return ""
    found = _LOCAL.search(text, max(0, until - _LOCAL_LENGTH), until)
    return found[0].lstrip(_MARKDOWN) if found else ""


_MORE = r"(?:(?:[ ./\-]{1,3}\(?|\(|(?<=\)))[0-9]{1,15}\)?){0,8}(?![0-9A-Za-z])"
"""Further groups of digits, each told from the one before by a separator or a parenthesis."""
_PLUS = re.compile(r"(?:\+|00)[ ]?\(?([1-9][0-9]{0,2})[0-9]{0,14}\)?" + _MORE)
_NATIONAL = re.compile(r"[0-9]{1,11}\)?" + _MORE)
_FRENCH = re.compile(r"0[1-9](?:([ .-])[0-9]{2})(?:\1[0-9]{2}){3}(?![0-9A-Za-z])(?![ .-][0-9])")
_RUN = re.compile(r"[0-9]+")
_WORD = re.compile(r"[^\W\d_]+")
_BETWEEN = re.compile(r"[^\n0-9]*")
_CUE_WITHIN = 32
_CUE_WORDS = 4
_LONGEST_RUN = 11
_LAST_GROUP = re.compile(r"[ ./\-]+\(?[0-9]+\)?\Z")
_NATIONAL_DIGITS = range(6, 13)
_INTERNATIONAL_DIGITS = range(8, 16)


class Phones:
    """Numbers with `+` or `00` and a country's code; others right after a word for a telephone."""

    def seek(self, view: View) -> Iterable[Hit]:
        """International numbers, French groups of two, and whatever a word announces."""
        text = view.text
        done = 0
        for run in _RUN.finditer(text):
            start = run.start()
            if start < done or run.end() - start > _INTERNATIONAL_DIGITS.stop:
                continue
            if hit := _international(text, start) or _national(text, start):
                done = hit.end
                yield hit


def _international(text: str, start: int) -> Hit | None:
    """A number with `+` before these digits, or with `00` at their beginning."""
    is_plus = text[max(0, start - 3) : start].rstrip(" (").endswith("+")
    if is_plus:
        start = text.rindex("+", 0, start)
    elif not text.startswith("00", start) or _is_within_number(text, start):
        return None
    if text[max(0, start - 1) : start].isalnum() or not (found := _PLUS.match(text, start)):
        return None
    code, end = _calling_code(found[1]), _end_within(text, found, most=_INTERNATIONAL_DIGITS)
    if code is None or end is None or not (is_plus or _SEPARATED.search(text, start, end)):
        return None
    return Hit(_INTERNATIONAL_RANK, start, end, "personal_data", "phone", CALLING_CODES[code])


def _is_within_number(text: str, start: int) -> bool:
    """Whether other digits stand before these, a blank or a sign between them."""
    before = text[max(0, start - 2) : start]
    return before[-1:] in _INSIDE_NUMBERS or (before[-1:] == " " and before[:1].isdigit())


_NEVER_AMERICAN = ("10", "11")
_INSIDE_NUMBERS = frozenset(".,/-")
_SEPARATED = re.compile(r"[ /(\-]")


def _calling_code(digits: str) -> str | None:
    if digits.startswith(_NEVER_AMERICAN):
        return None
    return next((digits[:length] for length in (3, 2, 1) if digits[:length] in CALLING_CODES), None)


def _national(text: str, start: int) -> Hit | None:
    """A number in groups as in France, or one that a word announces."""
    if text[max(0, start - 1) : start].isalnum():
        return None
    if french := _FRENCH.match(text, start):
        return Hit(_NATIONAL_RANK, *french.span(), "personal_data", "phone", "FR")
    found = _NATIONAL.match(text, start)
    end = _end_within(text, found, most=_NATIONAL_DIGITS) if found else None
    if end is None or not _is_announced(text, start):
        return None
    return Hit(_NATIONAL_RANK, start - (text[start - 1 : start] == "("), end, "personal_data", "phone")


def _is_announced(text: str, start: int) -> bool:
    """Whether one of the last words before, on the same line and with no digit between, is one for a telephone."""
    before = text[max(0, start - _CUE_WITHIN) : start][::-1]
    between = _BETWEEN.match(before)
    words = _WORD.findall(between[0][::-1].lower()) if between else []
    return any(word in PHONE_WORDS or word.startswith(PHONE_STEMS) for word in words[-_CUE_WORDS:])


def _end_within(text: str, found: re.Match[str], *, most: range) -> int | None:
    """The end of a number without the groups of digits that make it too long; None where it is too short."""
    start, end = found.span()
    while (digits := sum(map(str.isdigit, text[start:end]))) >= most.stop:
        last = _LAST_GROUP.search(text, start, end)
        if last is None:
            return None
        end = last.start()
    return end if digits in most else None


_IPV4 = re.compile(r"[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}(?![\w-])(?!\.[0-9])")
_COLONS = re.compile(r":[0-9A-Fa-f]{0,4}:")
_IPV6 = re.compile(r"(?<![\w:.])[0-9A-Fa-f]{1,4}(?::[0-9A-Fa-f]{0,4}){2,7}(?![\w:])")
_IPV6_GLOBAL = IPv6Network("2000::/3")
_DOCUMENTED = (IPv6Network("2001:db8::/32"), IPv6Network("3fff::/20"))
_VERSION = re.compile(
    r"(?:\bv|vers|release|build|firmware|section|chapter|kapitel|abschnitt|artikel|article|§|\b(?:art|nr|par|pkt)\.)"
    r"[\w.:]*[ ]?\Z",
    re.IGNORECASE,
)
_IP_WORDS = Words(
    ("ip", "ipv4", "ip address", "ip adress", "address", "adresse", "host", "server", "client", "login", "dns", "ping")
)
_LEAST_OF_ADDRESSES = 32
_HEX_DIGITS = 4
_LONGEST_IPV6 = 40


class Addresses:
    """Public IPv4 and IPv6 addresses. Private, loopback and documentation ranges name nobody outside their network."""

    def seek(self, view: View) -> Iterable[Hit]:
        """Addresses of the internet; four small numbers, as of a version or a paragraph, need a word beside them."""
        text = view.text
        for found in _IPV4.finditer(text):
            before = text[max(0, found.start() - 1) : found.start()]
            is_whole = not before.isalnum() and before not in {".", "-", "_"}
            if is_whole and _is_public(found[0]) and _is_no_version(text, found):
                yield Hit(_IP_RANK, *found.span(), "personal_data", "ip_address")
        done = 0
        for colons in _COLONS.finditer(text):
            start = max(done, colons.start() - _HEX_DIGITS)
            if six := _IPV6.search(text, start, colons.end() + _LONGEST_IPV6):
                done = six.end()
                if _is_public_v6(six[0]):
                    yield Hit(_IP_RANK, *six.span(), "personal_data", "ip_address")


def _is_public(written: str) -> bool:
    try:
        address = IPv4Address(written)
    except AddressValueError:
        return False
    return address.is_global and not address.is_multicast


def _is_no_version(text: str, found: re.Match[str]) -> bool:
    if _VERSION.search(text, max(0, found.start() - 16), found.start()):
        return False
    if all(int(part) < _LEAST_OF_ADDRESSES for part in found[0].split(".")):
        return _IP_WORDS.are_in(Neighbourhood(text, *found.span()))
    return True


def _is_public_v6(written: str) -> bool:
    try:
        address = IPv6Address(written)
    except AddressValueError:
        return False
    return address in _IPV6_GLOBAL and not any(address in network for network in _DOCUMENTED)
