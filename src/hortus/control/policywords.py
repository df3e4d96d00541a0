"""How is a policy said to people? One sentence for each of its rules. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Final

import msgspec

from hortus.policy.rules import Policy, Treatment

_REGIONS: Final[Mapping[str, str]] = {
    "EU": "the EU",
    "EEA": "the EEA",
    "ADEQUATE": "a country that the EU found adequate",
}
_CONFIDENCES: Final[Mapping[str, str]] = {
    "stated": "Facts count only where maker, host or contract state them.",
    "reported": "Facts count only where they are stated or reported by others.",
    "recalled": "Facts count however they are known.",
}
_LOSSES: Final[Mapping[str, str]] = {
    "strict": "A request that loses anything in translation is refused.",
    "standard": "A request that loses some of its meaning in translation is refused.",
    "lenient": "What is lost in translation refuses nothing, unless the project says so.",
}


class Sentence(msgspec.Struct, frozen=True):
    """One rule in words; `of_content` where it is about what a request says, not about where it goes."""

    rule: str
    says: str
    of_content: bool = False


def say_policy(policy: Policy) -> tuple[Sentence, ...]:
    """Return what a policy demands, in its own order; nothing where it demands nothing."""
    usual = msgspec.structs.asdict(Policy(name=policy.name, description=policy.description))
    found = []
    for rule, say in _SAID.items():
        if getattr(policy, rule) != usual[rule] or (rule == "unseen_content" and policy.looks_at_content):
            found.append(Sentence(rule, say(policy), of_content=rule in _OF_CONTENT))
    return tuple(found)


def say_places(places: Iterable[str] | None) -> str:
    """Return where something may be, for the end of a sentence.

    >>> say_places(("EEA", "CH"))
    'the EEA or CH'
    """
    return _either([_REGIONS.get(place, place) for place in places or ()])


def _either(words: Iterable[str] | None) -> str:
    listed = list(words or ())
    if not listed:
        return "no one and nowhere: the list is empty"
    return f"{', '.join(listed[:-1])} or {listed[-1]}" if len(listed) > 1 else listed[0]


def _only(what: str, words: Iterable[str] | None) -> str:
    listed = list(words or ())
    return f"Only {what} {_either(listed)}." if listed else f"Nothing passes: the list of {what} is empty."


def _longest_retention(policy: Policy) -> str:
    days = policy.longest_retention_days
    if days == 0:
        return "The host keeps neither requests nor answers."
    return f"The host keeps requests and answers for at most {days} day{'' if days == 1 else 's'}."


def _guarded(what: str, treatment: Treatment) -> str:
    if treatment == "refuse":
        return f"A request with {what} is refused."
    return f"Placeholders go out instead of {what}, and the answer gets it back."


def _blocked_words(policy: Policy) -> str:
    count = len(policy.blocked_words)
    return f"A request with {'a blocked word' if count == 1 else f'one of {count} blocked words'} is refused."


def _unseen_content(policy: Policy) -> str:
    if policy.unseen_content == "refuse":
        return "A request with images, sound or files is refused, for no guard can look into them."
    return "Images, sound and files pass, though no guard can look into them."


def _tools(policy: Policy) -> str:
    if not policy.tools:
        return "Requests may bring no tools."
    return f"Requests may bring only tools of the kind {_either(policy.tools)}."


_SAID: Final[Mapping[str, Callable[[Policy], str]]] = {
    "compute_in": lambda policy: f"It is computed within {say_places(policy.compute_in)}.",
    "store_in": lambda policy: f"What the host keeps lies within {say_places(policy.store_in)}.",
    "operators_from": lambda policy: f"The operator is bound by the law of {say_places(policy.operators_from)}.",
    "out_of_reach_of": lambda policy: f"Authorities of {_either(policy.out_of_reach_of)} cannot demand what is there.",
    "longest_retention_days": _longest_retention,
    "no_training": lambda _: "The host does not train on requests.",
    "stateless": lambda _: "The host keeps nothing for later requests.",
    "own_machines": lambda _: "Only machines that the organisation itself runs.",
    "makers": lambda policy: _only("models of", policy.makers),
    "without_makers": lambda policy: f"No models of {_either(policy.without_makers)}.",
    "hosts": lambda policy: _only("hosts", policy.hosts),
    "licences": lambda policy: _only("models under", policy.licences),
    "open_weights": lambda _: "Only models whose weights are open.",
    "states": lambda policy: _only("models that are", policy.states),
    "least_confidence": lambda policy: _CONFIDENCES[policy.least_confidence or "recalled"],
    "stale_facts": lambda _: "Facts that are over their review period do not count.",
    "personal_data": lambda policy: _guarded("personal data", policy.personal_data),
    "personal_kinds": lambda policy: (
        f"Of personal data, these kinds are looked for: {', '.join(policy.personal_kinds)}."
    ),
    "secrets": lambda policy: _guarded("a key or a password", policy.secrets),
    "blocked_words": _blocked_words,
    "unseen_content": _unseen_content,
    "loss": lambda policy: _LOSSES[policy.loss or "standard"],
    "largest_request_kib": lambda policy: f"A request has at most {policy.largest_request_kib} KiB.",
    "tools": _tools,
    "keeps_content": lambda _: "Hortus itself keeps neither requests nor answers, and gives no answer twice.",
}
"""Every member of a policy but its name and description, with its sentence."""

_OF_CONTENT: Final = frozenset(
    {"personal_data", "personal_kinds", "secrets", "blocked_words", "unseen_content", "loss", "keeps_content"}
)
