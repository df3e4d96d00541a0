"""Which way does a request take to a target? A relay where that speaks its dialect, else what loses least."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from functools import cached_property
from typing import NamedTuple

from hortus.canon.dialect import Dialect
from hortus.canon.embeddings import EmbeddingsRequest
from hortus.canon.errors import CallerFault, CannotCarry, HostFault, Internal
from hortus.canon.loss import WEIGHTS, Loss, Strictness, refusing
from hortus.canon.moderation import ModerationRequest
from hortus.canon.rerank import RerankRequest
from hortus.content.ports import Seals
from hortus.gateway.choose import may_move_on, may_try_again
from hortus.gateway.demands import demanded
from hortus.gateway.guards.screen import UNGUARDED, Guarded
from hortus.gateway.meaning import MEANS, Meant, has_meaning, read_asked
from hortus.gateway.passage import Inquiry, Passage, RelayPassage
from hortus.gateway.translate import Crossing, TranslatedChat, TranslatedCount, TranslatedWhole
from hortus.policy.facts import Lever
from hortus.snapshot.resolved import Target

_NONE: Mapping[str, tuple[Lever, ...]] = {}


def can_cross(operation: str, client: Dialect, host: Dialect) -> bool:
    """Tell whether an operation can be translated between two dialects."""
    return has_meaning(operation, client) and has_meaning(operation, host)


class Way(NamedTuple):
    """A target and how to get there."""

    target: Target
    passage: Passage


class Ways:
    """The targets of one request in the order in which they are tried; those that lose too much are left out.

    Args:
        targets: First choice first. A lone one may be tried twice.
        passages: The way to each.
        strictness: Which losses are too much.
    """

    def __init__(self, targets: tuple[Target, ...], passages: Passages, *, strictness: Strictness) -> None:
        self._left = deque(targets)
        self._may_try_again = len(targets) == 1
        self._passages = passages
        self._strictness = strictness
        self._fault: CallerFault | None = None

    def first(self) -> Way:
        """Return the first way.

        Raises:
            CannotCarry: Every target would lose too much.
            CallerFault: The request cannot be understood.
        """
        way = self.next()
        if way is None:
            raise self._fault or Internal("The request has nowhere to go.")
        return way

    def next(self) -> Way | None:
        """Return the next way; None where there is no other."""
        while self._left:
            way = self._plan(self._left.popleft())
            if way is not None:
                return way
        return None

    def after(self, error: HostFault, *, status: int | None, here: Way) -> Way | None:
        """Return the way that is tried after an error on this one, if one is; a lone target, the same once more."""
        if self._may_try_again:
            self._may_try_again = False
            return here if may_try_again(error, status=status) else None
        return self.next() if may_move_on(error) else None

    def _plan(self, target: Target) -> Way | None:
        try:
            passage = self._passages.to(target)
        except CallerFault as error:
            self._fault = self._fault or error  # that of the first choice: what others would lose is no comfort
            return None
        lost = refusing(passage.outgoing.losses, self._strictness)
        if lost:
            fault = _cannot_carry(lost, target=target, dialect=passage.outgoing.dialect)
            self._fault = self._fault or fault
            return None
        return Way(target, passage)


class Passages:
    """The ways of one request.

    Args:
        inquiry: What is asked.
        dialects: All, by name.
        seals: Where seals lie.
        levers: What the policy demands of the host of an endpoint, by the endpoint's name.
        guarded: What guards made of it. Where something else leaves in its stead, no host gets the client's own bytes.
    """

    def __init__(
        self,
        inquiry: Inquiry,
        dialects: Mapping[str, Dialect],
        *,
        seals: Seals,
        levers: Mapping[str, tuple[Lever, ...]] = _NONE,
        guarded: Guarded = UNGUARDED,
    ) -> None:
        self._inquiry = inquiry
        self._dialects = dialects
        self._seals = seals
        self._levers = levers
        self._guise = guarded.guise
        self._read = guarded.asked
        self._made: dict[str, Passage] = {}

    def to(self, target: Target) -> Passage:
        """Return the way to a target that `choose` found able, with what the policy demands of its host.

        Raises:
            CallerFault: The request cannot be understood, or nothing could send it.
        """
        name = target.endpoint.name
        passage = self._made.get(name)
        if passage is None:
            passage = self._made[name] = self._way_to(target)
            levers = self._levers.get(name)
            if levers is not None:
                passage.outgoing = demanded(passage.outgoing, levers)
        return passage

    def _way_to(self, target: Target) -> Passage:
        ours = self._inquiry.dialect
        if self._guise is None and ours.name in target.ways:
            return RelayPassage(self._inquiry, target)
        hosts = [self._dialects[name] for name in target.ways if name in self._dialects]
        hosts.sort(key=lambda host: host.name != ours.name)
        name = self._inquiry.operation.name
        ways = [self._translated(host, target) for host in hosts if can_cross(name, ours, host)]
        return min(ways, key=heaviness_of)

    def _translated(self, host: Dialect, target: Target) -> Passage:
        crossing = Crossing(self._inquiry, host, target)
        asked, guise = self._asked, self._guise
        match asked:
            case EmbeddingsRequest():
                vectors = guise.of(EmbeddingsRequest) if guise is not None else None
                return TranslatedWhole(crossing, asked, brought=lambda one: one.embeddings, leaving=vectors)
            case RerankRequest():
                ranked = guise.of(RerankRequest) if guise is not None else None
                return TranslatedWhole(crossing, asked, brought=lambda one: one.rerank, leaving=ranked)
            case ModerationRequest():
                judged = guise.of(ModerationRequest) if guise is not None else None
                return TranslatedWhole(crossing, asked, brought=lambda one: one.moderations, leaving=judged)
            case _:
                pass
        if MEANS[self._inquiry.operation.name] == "count_tokens":
            return TranslatedCount(crossing, asked, guise=guise)
        return TranslatedChat(crossing, asked, seals=self._seals, guise=guise)

    @cached_property
    def _asked(self) -> Meant:
        return self._read if self._read is not None else read_asked(self._inquiry)


def heaviness_of(passage: Passage) -> tuple[int, ...]:
    """Return how much of a request is lost on its way, counted by weight, the heaviest first."""
    weights = [loss.weight for loss in passage.outgoing.losses]
    return tuple(weights.count(weight) for weight in WEIGHTS)


def _cannot_carry(lost: tuple[Loss, ...], *, target: Target, dialect: str) -> CannotCarry:
    said = " ".join(f"`{loss.path}` ({loss.weight}): {loss.reason}" for loss in lost)
    return CannotCarry(
        f"{target.endpoint.name} speaks {dialect}, which cannot carry {len(lost)} of the request's members. {said}",
        path=lost[0].path,
        hint="Leave them out, choose another model, or ask an admin to set the project's `loss` to lenient.",
    )
