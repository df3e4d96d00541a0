"""What is wrong with a declared policy: words nobody knows, demands that nothing can meet, names that are taken?

Pure: what the catalog and the guards know is passed in.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from typing import NamedTuple

import msgspec

from hortus.base.spelling import suggest
from hortus.catalog.places import ISO_COUNTRIES
from hortus.framing.tooling import UNREADABLE, tool_kinds
from hortus.policy.places import REGIONS, is_region
from hortus.policy.ready import READY
from hortus.policy.rules import Policy

_MOST_QUOTED = 60
_MOST_LISTED = 12
_LEAVE_OUT = "Leave the member out to demand nothing."
_PLACES_HINT = f"Use ISO 3166-1 alpha-2 codes, {', '.join(REGIONS)}."
_MEANT = {"UK": "GB", "EL": "GR", "USA": "US", "EU*": "EU", "EUROPE": "EU"}


class Known(msgspec.Struct, frozen=True):
    """What there is to name: ids of the catalog's makers and hosts, licences of its models, kinds that guards find."""

    makers: Collection[str]
    hosts: Collection[str]
    licences: Collection[str]
    personal_kinds: Collection[str]


class Flaw(NamedTuple):
    """One thing that is wrong: where in the policy, what, and what to do next."""

    path: tuple[str | int, ...]
    message: str
    hint: str


def check_policy(policy: Policy, known: Known) -> list[Flaw]:
    """Return everything that is wrong with a policy, in the order of its members."""
    return [flaw for check in _CHECKS for flaw in check(policy, known)]


def _name(policy: Policy, _known: Known) -> Iterator[Flaw]:
    if policy.name in READY:
        hint = "Choose another name; `hortus policy show` writes the ready-made one out."
        yield Flaw(("name",), f"The policy `{policy.name}` is ready-made and stays as it is.", hint)


def _places(policy: Policy, _known: Known) -> Iterator[Flaw]:
    members = {
        "compute_in": policy.compute_in,
        "store_in": policy.store_in,
        "operators_from": policy.operators_from,
    }
    for member, places in members.items():
        yield from (
            Flaw((member, at), f"`{_quoted(place)}` is no place that a policy can name.", _place_hint(place))
            for at, place in enumerate(places or ())
            if not is_region(place)
        )


def _place_hint(place: str) -> str:
    meant = _MEANT.get(place.upper(), place.upper())
    if is_region(meant):
        return f"Did you mean `{meant}`?"
    return _LEAVE_OUT if meant in {"GLOBAL", "ANYWHERE", "*"} else suggest(meant, REGIONS) or _PLACES_HINT


def _reaching_countries(policy: Policy, _known: Known) -> Iterator[Flaw]:
    for at, country in enumerate(policy.out_of_reach_of):
        if country not in ISO_COUNTRIES:
            hint = "Name countries one by one." if country in REGIONS else _place_hint(country)
            yield Flaw(("out_of_reach_of", at), f"`{_quoted(country)}` is no country.", hint)
    bound = set(policy.operators_from or ())
    if bound and bound <= set(policy.out_of_reach_of):
        message = "Every operator from there is bound by the law of a country that must have no reach."
        yield Flaw(("operators_from",), message, "Name other countries in `operators_from` or in `out_of_reach_of`.")


def _impossible(policy: Policy, _known: Known) -> Iterator[Flaw]:
    members = {
        "compute_in": policy.compute_in,
        "store_in": policy.store_in,
        "operators_from": policy.operators_from,
        "makers": policy.makers,
        "hosts": policy.hosts,
        "licences": policy.licences,
        "states": policy.states,
    }
    for member, values in members.items():
        if values is not None and not values:
            yield Flaw((member,), "It names nothing, so nothing could ever satisfy it.", _LEAVE_OUT)


def _numbers(policy: Policy, _known: Known) -> Iterator[Flaw]:
    if policy.longest_retention_days is not None and policy.longest_retention_days < 0:
        yield Flaw(("longest_retention_days",), "A time cannot be less than nothing.", "0 means: not kept at all.")
    if policy.largest_request_kib is not None and policy.largest_request_kib <= 0:
        yield Flaw(("largest_request_kib",), "Every request would be too large.", _LEAVE_OUT)


def _words_of_the_catalog(policy: Policy, known: Known) -> Iterator[Flaw]:
    members: dict[str, tuple[tuple[str, ...], Collection[str], str]] = {
        "makers": (policy.makers or (), known.makers, "maker"),
        "without_makers": (policy.without_makers, known.makers, "maker"),
        "hosts": (policy.hosts or (), known.hosts, "host"),
        "licences": (policy.licences or (), known.licences, "licence"),
    }
    for member, (words, there, what) in members.items():
        yield from _strangers(member, words, there=there, what=f"{what} of the catalog")
    for at, maker in enumerate(policy.without_makers):
        if maker in (policy.makers or ()):
            yield Flaw(("without_makers", at), f"`{_quoted(maker)}` stands in `makers` as well.", "Name it in one.")


def _personal_kinds(policy: Policy, known: Known) -> Iterator[Flaw]:
    yield from _strangers(
        "personal_kinds", policy.personal_kinds, there=known.personal_kinds, what="kind of personal data"
    )
    if policy.personal_kinds and policy.personal_data == "allow":
        message = "Nothing is looked for while `personal_data` is `allow`."
        yield Flaw(("personal_kinds",), message, "Set `personal_data` to `pseudonymise` or `refuse`.")


def _strangers(member: str, words: tuple[str, ...], *, there: Collection[str], what: str) -> Iterator[Flaw]:
    plain = {one.casefold() for one in there}
    for at, word in enumerate(words):
        if word not in there and not (member == "licences" and word.casefold() in plain):
            hint = suggest(word[:_MOST_QUOTED], there) or _listed(there)
            yield Flaw((member, at), f"`{_quoted(word)}` is no {what}.", hint)


def _listed(words: Collection[str]) -> str:
    first = ", ".join(sorted(words)[:_MOST_LISTED])
    return f"There are {first}{' …' if len(words) > _MOST_LISTED else ''}." if words else "There are none."


def _blocked_words(policy: Policy, _known: Known) -> Iterator[Flaw]:
    for at, word in enumerate(policy.blocked_words):
        if not word.strip():
            yield Flaw(("blocked_words", at), "An empty word stands in every request.", "Remove it.")


def _tools(policy: Policy, _known: Known) -> Iterator[Flaw]:
    for at, kind in enumerate(policy.tools or ()):
        ours = next(iter(tool_kinds((kind,), own=())))
        if ours == UNREADABLE:
            yield Flaw(("tools", at), f"`{kind}` is no kind of tools that may be allowed.", "Remove it.")
        elif ours != kind:
            yield Flaw(("tools", at), f"No tool is of the kind `{_quoted(kind)}`.", f"Did you mean `{_quoted(ours)}`?")


def _quoted(word: str) -> str:
    return word[:_MOST_QUOTED]


_CHECKS: tuple[Callable[[Policy, Known], Iterator[Flaw]], ...] = (
    _name,
    _places,
    _reaching_countries,
    _impossible,
    _numbers,
    _words_of_the_catalog,
    _personal_kinds,
    _blocked_words,
    _tools,
)
