"""May this request leave, and as what? Every place of it is looked at; what is found refuses it, or is hidden.

Thoughts that a maker has sealed leave as that maker wrote them or not at all: with other words its seal does not hold.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from typing import TypeVar

import msgspec

from hortus.base.secrets import Secret
from hortus.canon.dialect import CONTENT_KINDS
from hortus.canon.errors import Internal, RefusedByGuard
from hortus.canon.loss import Loss
from hortus.canon.nodes import Seal
from hortus.canon.parts import Part, Reasoning
from hortus.canon.request import Request
from hortus.gateway.guards import prompts
from hortus.gateway.guards.findings import Finder
from hortus.gateway.guards.judging import Screening
from hortus.gateway.guards.looking import Gathering, Writing
from hortus.gateway.guards.placeholders import Mask, key_of
from hortus.gateway.guards.places import Walk
from hortus.gateway.meaning import Meant, has_meaning, read_asked, translation_of
from hortus.gateway.passage import Inquiry
from hortus.policy.rules import Policy

PSEUDONYMISED = "pseudonymised"
"""Adaptation: placeholders stand in place of what the policy hides."""

LONGEST_TEXT = 1024 * 1024
"""Characters of a request that are looked at; text made to be hard to read takes some seconds at this length."""

_POLICIES_KEPT = 64

MeantT = TypeVar("MeantT", bound=Meant)

_NOT_ITS_OWN = (
    "These sealed thoughts say something that the project's policy hides, and that stands nowhere else in the request."
)


class LeftOut(msgspec.Struct, frozen=True):
    """Sealed thoughts that do not go along.

    Attributes:
        seal: Theirs.
    """

    seal: Seal
    loss: Loss


class Guise(msgspec.Struct, frozen=True):
    """What leaves in a request's stead.

    Attributes:
        mask: Restores its answer.
        left_out: What of it does not leave.
    """

    mask: Mask
    request: Meant
    left_out: tuple[LeftOut, ...] = ()

    @property
    def chat(self) -> Request:
        """The request, where it is a chat."""
        return self.of(Request)

    def of(self, kind: type[MeantT]) -> MeantT:
        """Return the request, which asks for this."""
        if not isinstance(self.request, kind):
            raise Internal("What leaves asks for something else.")
        return self.request

    def losses(self, sent: Request) -> tuple[Loss, ...]:
        """Return what is lost where `sent` is what goes: thoughts may have been kept as their host gave them."""
        if not self.left_out:
            return ()
        there = {part.seal for one in sent.messages for part in one.parts if isinstance(part, Reasoning)}
        return tuple(one.loss for one in self.left_out if one.seal not in there)


class Guarded(msgspec.Struct, frozen=True):
    """A request that guards have looked at.

    Attributes:
        findings: What they found, as `iban:2`, for the receipt.
        asked: The request as the client wrote it, in canonical form; None where no guard had to look.
        guise: What leaves in its stead; None: it leaves as it is.
    """

    findings: tuple[str, ...] = ()
    asked: Meant | None = None
    guise: Guise | None = None


UNGUARDED = Guarded()


class Screener:
    """Looks at requests.

    Args:
        oldest_secret: The oldest version of the installation's secret, so that workers agree while it is exchanged.
        make_finder: Returns what finds what a policy asks for; asked once for each policy.
    """

    def __init__(self, oldest_secret: Callable[[], Secret], make_finder: Callable[[Policy], Finder]) -> None:
        self._oldest_secret = oldest_secret
        self._make_finder = make_finder
        self._finders: dict[Policy, Finder] = {}
        self._derived: tuple[Secret, bytes] | None = None

    def screen(self, policy: Policy, inquiry: Inquiry) -> Guarded:
        """Return what leaves.

        Raises:
            RefusedByGuard: The policy does not let it (`RefusedForFindings`, where something was found).
            CallerFault: The request cannot be understood.
        """
        if not policy.looks_at_content:
            return UNGUARDED
        if not has_meaning(inquiry.operation.name, inquiry.dialect):
            return self._screen_words(policy, inquiry)
        asked = read_asked(inquiry)
        if "pseudonymise" in {policy.personal_data, policy.secrets}:
            _refuse_history(inquiry, asked)
        look = Gathering()
        vocabulary = translation_of(inquiry.dialect).vocabulary
        Walk(look, vocabulary).through(asked)
        screening = self._screened(policy, inquiry, look)
        if not screening.hits:
            return Guarded(screening.findings, asked)
        mask = Mask(self._key(), inquiry.project_id)
        novel = screening.hide(mask)
        hidden = Walk(Writing(look.leaves), vocabulary).through(asked)
        guise = _guise(mask, hidden, without=[look.sealed[number] for number in sorted(novel)])
        return Guarded(screening.findings, asked, guise)

    def _screen_words(self, policy: Policy, inquiry: Inquiry) -> Guarded:
        """Look at a request that is read by its dialect alone: it leaves as it is, or not at all."""
        if inquiry.operation.name not in prompts.LOOKED_AT:
            raise RefusedByGuard(
                "The project's policy has requests looked at, and no guard can look into those of the kind "
                f"{inquiry.operation.name}.",
                hint="Ask an admin about the policy; `hortus policy explain` names its rules.",
            )
        look = Gathering()
        upload = inquiry.upload
        lines = upload.requests.texts if upload is not None and upload.requests is not None else None
        prompts.gather(look, inquiry.asked, lines)
        return Guarded(self._screened(policy, inquiry, look).findings)

    def _screened(self, policy: Policy, inquiry: Inquiry, look: Gathering) -> Screening:
        look.add_surroundings(inquiry)
        _check_length(look.reading.text)
        screening = Screening(policy, look.reading)
        screening.find(self._finder(policy))
        screening.check(look.unseen_paths())
        return screening

    def _finder(self, policy: Policy) -> Finder:
        finder = self._finders.get(policy)
        if finder is None:
            if len(self._finders) >= _POLICIES_KEPT:
                self._finders.clear()
            finder = self._finders[policy] = self._make_finder(policy)
        return finder

    def _key(self) -> bytes:
        secret = self._oldest_secret()
        if self._derived is None or self._derived[0] != secret:
            self._derived = secret, key_of(secret)
        return self._derived[1]


def _check_length(text: str) -> None:
    if len(text) > LONGEST_TEXT:
        raise RefusedByGuard(
            f"The project's policy has requests looked at, and this one has {len(text)} characters of text; guards read"
            f" {LONGEST_TEXT} at most.",
            hint="Send it in parts.",
        )


def _refuse_history(inquiry: Inquiry, asked: Meant) -> None:
    """Refuse what points at earlier turns that a host keeps: their placeholders could not be restored."""
    kept = any(kind not in CONTENT_KINDS for kind, _ in inquiry.asked.host_ids)
    if kept or (isinstance(asked, Request) and asked.continues is not None):
        raise RefusedByGuard(
            "The project's policy hides personal data, and the request points at what a host keeps, which nobody can"
            " look into.",
            hint="Send the whole conversation instead.",
        )


def _guise(mask: Mask, hidden: Meant, *, without: Collection[Seal]) -> Guise:
    """Return what leaves, some sealed thoughts left out."""
    if not without or not isinstance(hidden, Request):
        return Guise(mask, hidden)
    left_out: list[LeftOut] = []

    def kept(parts: tuple[Part, ...]) -> Iterator[Part]:
        for part in parts:
            if isinstance(part, Reasoning) and part.seal is not None and part.seal in without:
                left_out.append(LeftOut(part.seal, Loss(path=part.at, weight="tuning", reason=_NOT_ITS_OWN)))
            else:
                yield part

    messages = tuple(msgspec.structs.replace(one, parts=tuple(kept(one.parts))) for one in hidden.messages)
    return Guise(mask, msgspec.structs.replace(hidden, messages=messages), tuple(left_out))
