"""Which guards are there, and which of their kinds does a policy ask for? It names some or takes all."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from hortus.gateway.guards.blocklist import BlockedWords, hits_of
from hortus.gateway.guards.contacts import Addresses, Emails, Phones
from hortus.gateway.guards.credentials import Credentials
from hortus.gateway.guards.digits import Numbers
from hortus.gateway.guards.findings import Finder, Finding
from hortus.gateway.guards.folding import view
from hortus.gateway.guards.hits import Hit, Seeker, apart
from hortus.gateway.guards.names import CuedNames, NameRecogniser, People
from hortus.gateway.guards.national import NATIONAL
from hortus.gateway.guards.payments import CARDS, VAT
from hortus.policy.rules import Policy

_REFUSING = 1000
"""Added to the rank of what refuses a request: nothing that is only masked may hide it."""

_NUMBERS = {"national_id": NATIONAL, "vat": VAT, "payment_card": CARDS}
_SEEKERS: Mapping[str, Callable[[], Seeker]] = {"email": Emails, "phone": Phones, "ip_address": Addresses}

PERSONAL_KINDS = ("iban", "national_id", "vat", "payment_card", "email", "phone", "ip_address", "person")
"""What `personal_kinds` of a policy may name."""

SECRET_KINDS = ("api_key", "private_key", "token", "password")
BLOCKED_KINDS = ("blocked_word",)


class TextFinder:
    """Asks every family that a policy needs; what overlaps is settled by rank."""

    def __init__(self, seekers: Sequence[tuple[Seeker, int]], blocked: BlockedWords | None) -> None:
        self._seekers = tuple(seekers)
        self._blocked = blocked

    def find(self, text: str) -> list[Finding]:
        """All findings in order of their place; no two overlap."""
        seen = view(text)
        hits = [
            hit._replace(rank=hit.rank + more, start=start, end=end)
            for seeker, more in self._seekers
            for hit in seeker.seek(seen)
            for start, end in (seen.place(hit.start, hit.end),)
        ]
        if self._blocked is not None:
            hits.extend(hit._replace(rank=hit.rank + _REFUSING) for hit in hits_of(self._blocked, text))
        return [_finding(hit) for hit in apart(hits)]


def _finding(hit: Hit) -> Finding:
    return Finding(guard=hit.guard, kind=hit.kind, start=hit.start, end=hit.end, country=hit.country)


def finder_for(policy: Policy, names: NameRecogniser | None = None) -> Finder:
    """The finder of what this policy asks to look for. Compiling it takes milliseconds: keep it with the policy.

    Args:
        policy: Whose `personal_data`, `personal_kinds`, `secrets` and `blocked_words` count.
        names: Who recognises names of people; the built-in one where absent.
    """
    seekers: list[tuple[Seeker, int]] = []
    if policy.personal_data != "allow":
        more = _REFUSING if policy.personal_data == "refuse" else 0
        are_known = bool(policy.personal_kinds) and set(policy.personal_kinds) <= set(PERSONAL_KINDS)
        kinds = policy.personal_kinds if are_known else PERSONAL_KINDS  # one that is not known might mean any of them
        seekers.extend((seeker, more) for seeker in _personal(frozenset(kinds), names))
    if policy.secrets != "allow":
        seekers.append((Credentials(), _REFUSING if policy.secrets == "refuse" else 0))
    return TextFinder(seekers, BlockedWords(policy.blocked_words) if policy.blocked_words else None)


def _personal(kinds: frozenset[str], names: NameRecogniser | None) -> list[Seeker]:
    seekers: list[Seeker] = [made() for kind, made in _SEEKERS.items() if kind in kinds]
    rows = [row for kind, table in _NUMBERS.items() if kind in kinds for row in table]
    if rows or "iban" in kinds:
        seekers.append(Numbers(rows, ibans="iban" in kinds))
    if "person" in kinds:
        seekers.append(People(names or CuedNames()))
    return seekers
