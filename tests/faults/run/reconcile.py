"""Do the host's count, the receipts and what clients saw agree? Pure comparisons; every difference is a finding."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import NamedTuple

from hortus.receipts.records import Attempt, Receipt
from hortus.testkit.faults.acts import ACTS
from hortus.testkit.faults.book import Account

MILLION = Decimal(1_000_000)
BAD = (
    "lost",
    "doubled",
    "sent twice",
    "undercharged",
    "wrong tokens",
    "wrong money",
    "unmarked",
    "unseen",
    "wrong charge",
    "overspent",
    "false refusal",
)
"""Kinds of findings about books that fail a run."""


class Price(NamedTuple):
    """Of a million tokens."""

    given: Decimal
    made: Decimal


class Finding(NamedTuple):
    """One thing that does not agree."""

    kind: str
    mark: str
    what: str


class Difference(NamedTuple):
    """An attempt without the host's last word: what was charged, beside what the host counted."""

    status: str
    act: str
    charged: Decimal
    counted: Decimal
    charged_tokens: int
    counted_tokens: int


class Books(NamedTuple):
    """What a comparison found."""

    findings: list[Finding]
    differences: list[Difference]
    counts: Counter[str]


class Sighting(NamedTuple):
    """What the host saw of one attempt: more than once where a cut connection made Hortus send it again."""

    accounts: tuple[Account, ...]

    @property
    def last(self) -> Account:
        """The one that was answered, if any was."""
        return self.accounts[-1]

    def bill(self, price: Price) -> Decimal:
        """Return what the host would bill."""
        return _bill(self.last, price)

    @property
    def billed_tokens(self) -> int:
        """Output tokens that it counted."""
        return self.last.billed_tokens if _bills(self.last) else 0


def reconcile(accounts: Iterable[Account], receipts: Sequence[Receipt], *, prices: Mapping[str, Price]) -> Books:
    """Compare the host's books with the receipts, request by request."""
    books = Books([], [], Counter())
    by_mark: dict[str, list[Receipt]] = defaultdict(list)
    for receipt in receipts:
        by_mark[receipt.request_id.removeprefix("hx-")].append(receipt)
    seen: dict[str, list[Account]] = defaultdict(list)
    for account in accounts:
        seen[account.seen.mark].append(account)
    for mark, of_mark in by_mark.items():
        if len(of_mark) > 1:
            books.findings.append(Finding("doubled", mark, f"{len(of_mark)} receipts"))
    for mark, of_host in seen.items():
        books.counts["requests the host saw"] += 1
        receipt = next(iter(by_mark.get(mark, ())), None)
        if receipt is None or not receipt.attempts:
            books.findings.append(Finding("lost", mark, f"the host saw it, {of_host[0].seen.act}"))
            continue
        books.counts[receipt.status] += 1
        _compare(receipt, of_host, books, prices=prices)
    return books


def _compare(receipt: Receipt, of_host: list[Account], books: Books, *, prices: Mapping[str, Price]) -> None:
    mark = of_host[0].seen.mark
    try:
        pairs = list(_pairs(receipt.attempts, of_host))
    except LookupError as error:
        books.findings.append(Finding("lost", mark, str(error)))
        return
    for attempt, sighting in pairs:
        books.counts["attempts"] += 1
        if sighting is None:
            books.counts["attempts that did not reach the host"] += 1
            if attempt.status == "completed":
                books.findings.append(Finding("unseen", mark, "completed, and the host knows nothing of it"))
            continue
        if len(sighting.accounts) > 1:
            what = f"the host saw one attempt {len(sighting.accounts)} times"
            books.findings.append(Finding("sent twice", mark, what))
        for kind, what in _judge(attempt, sighting, books, price=prices[attempt.endpoint]):
            books.findings.append(Finding(kind, mark, f"{sighting.last.seen.act}, {attempt.status}: {what}"))


def _pairs(attempts: Sequence[Attempt], of_host: list[Account]) -> Iterator[tuple[Attempt, Sighting | None]]:
    """Match attempts and what the host saw, both in their order.

    Raises:
        LookupError: The host saw more than there are attempts for.
    """
    left = list(of_host)
    for place, attempt in enumerate(attempts):
        later = sum(1 for one in attempts[place + 1 :] if one.endpoint == attempt.endpoint)
        group: list[Account] = []
        while left and left[0].seen.endpoint == attempt.endpoint:
            here = sum(1 for one in left if one.seen.endpoint == attempt.endpoint)
            if group and not (_may_be_resent(group[-1]) and here > later):
                break
            if not group and here <= later and attempt.status in {"failed", "interrupted"}:
                break  # it never reached the host; a later one did
            group.append(left.pop(0))
        yield attempt, Sighting(tuple(group)) if group else None
    if left:
        raise LookupError(f"the host saw {len(left)} more than the receipt has attempts for")


def _may_be_resent(account: Account) -> bool:
    return account.seen.act == "reset-before-head" and account.seen.nth_on_connection > 1


def _judge(attempt: Attempt, sighting: Sighting, books: Books, *, price: Price) -> Iterator[tuple[str, str]]:
    """Yield what is wrong with one attempt."""
    host, usage = sighting.last, attempt.usage
    counted, charged = sighting.bill(price), attempt.cost or Decimal(0)
    if attempt.status == "interrupted":
        if charged < counted:
            yield "undercharged", f"charged {charged}, the host counts {counted}"
        _note(books, attempt, sighting, charged=charged, counted=counted)
        return
    if usage is None:
        if counted:
            yield "unmarked", f"no usage, the host counts {counted}"
        return
    if usage.is_estimated:
        _note(books, attempt, sighting, charged=charged, counted=counted)
        if attempt.status == "completed":
            books.counts["completed, usage estimated"] += 1
            if host.seen.act not in {"usage-missing", "length-short"}:
                yield "wrong tokens", "estimated, though the host reported it"
        return
    told = (host.seen.input_tokens, host.made_tokens)
    if (usage.input_tokens, usage.output_tokens) != told:
        yield "wrong tokens", f"{usage.input_tokens} + {usage.output_tokens}, the host reported {told}"
    if charged != _cost(*told, price):
        yield "wrong money", f"charged {charged}, {told} cost {_cost(*told, price)}"
    if attempt.status not in {"completed", "cancelled", "failed", "timed_out"}:
        yield "unmarked", "a status that is not known"


def _note(books: Books, attempt: Attempt, sighting: Sighting, *, charged: Decimal, counted: Decimal) -> None:
    tokens = attempt.usage.output_tokens if attempt.usage else 0
    found = Difference(attempt.status, sighting.last.seen.act, charged, counted, tokens, sighting.billed_tokens)
    books.differences.append(found)


def _bills(account: Account) -> bool:
    return ACTS[account.seen.act].bills


def _bill(account: Account, price: Price) -> Decimal:
    return _cost(account.seen.input_tokens, account.billed_tokens, price) if _bills(account) else Decimal(0)


def _cost(given: int, made: int, price: Price) -> Decimal:
    return (price.given * given + price.made * made) / MILLION
