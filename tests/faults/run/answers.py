"""Did every client get a clean answer, and the same one that the receipt tells of? Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from faults.run.client import Outcome
from faults.run.killing import Fault
from faults.run.reconcile import Finding
from hortus.receipts.records import Receipt

_SLACK_S = 0.25
"""Between a kill and the moment at which its clients hear of it, or the door is open for all."""

_TIMED_OUT = frozenset({"host_timed_out"})
_BROKEN = frozenset({"broken_stream", "host_timed_out"})
_BUSY = frozenset({"host_overloaded", "host_rate_limited", "host_error"})

RIGHT: Mapping[str, frozenset[str]] = {
    "reset-before-head": frozenset({"host_unavailable"}),
    "reset-after-head": _BROKEN,
    "reset-mid": _BROKEN,
    "stall-before-head": _TIMED_OUT,
    "stall-mid": _TIMED_OUT,
    "half-frame": _BROKEN,
    "length-short": _BROKEN,
    "length-long": _BROKEN,
    "429": _BUSY,
    "429-seconds": _BUSY,
    "429-date": _BUSY,
    "429-ms": _BUSY,
    "500-html": frozenset({"host_error"}),
    "502-empty": frozenset({"host_error"}),
    "503-json": frozenset({"host_error", "host_overloaded", "host_unavailable"}),
    "endless": _TIMED_OUT,
    "endless-pings": _TIMED_OUT,
    "error-inside": frozenset({"host_error", "host_overloaded", "host_rate_limited"}),
}
"""Act of the host -> codes of the errors that it may end with; the other acts end well."""

_OURS = frozenset({"not_ready", "journal_full"})
"""Codes of what Hortus itself may refuse with while something of it is away."""


_SAYS_WHEN = frozenset({"429-seconds", "429-date", "429-ms"})
_WHEN = frozenset({"retry-after", "retry-after-ms"})

_QUOTA = frozenset({"insufficient_quota", "rate_limit_error", "RESOURCE_EXHAUSTED"})
"""What a refusal by a budget is called by each dialect."""


class Listener:
    """Judges outcomes.

    Args:
        receipts: By the mark of their request.
        acts: By mark: what the host did the last time that it saw the request.
        faults: What was done to Hortus meanwhile.
    """

    def __init__(self, receipts: Mapping[str, Receipt], acts: Mapping[str, str], faults: Sequence[Fault]) -> None:
        self._receipts = receipts
        self._acts = acts
        self._faults = faults
        self.counts: Counter[str] = Counter()

    def findings(self, outcomes: Sequence[Outcome]) -> Iterator[Finding]:
        """Yield what is not clean."""
        for outcome in outcomes:
            kind = outcome.verdict.kind if outcome.verdict else outcome.how
            self.counts[kind] += 1
            for what in self._judge(outcome):
                yield Finding("unclean", outcome.question.mark, f"{_describe(outcome)}: {what}")

    def _judge(self, outcome: Outcome) -> Iterator[str]:
        receipt = self._receipts.get(outcome.question.mark)
        verdict = outcome.verdict
        match outcome.how:
            case "hung":
                yield "no answer within the client's patience"
            case "unreachable" if not self._door_was_away(outcome):
                yield "the door was closed, though nobody had killed it"
            case "cut" if not self._worker_died(outcome):
                yield "the connection broke, though no worker was killed"
            case "answered" if verdict is not None and verdict.kind == "success":
                yield from self._judge_success(outcome, receipt)
            case "answered" if verdict is not None and verdict.kind == "error":
                yield from self._judge_error(outcome, receipt)
            case "answered" if verdict is not None:
                yield from self._judge_unclean(outcome, verdict.what)
            case _:
                return

    def _judge_success(self, outcome: Outcome, receipt: Receipt | None) -> Iterator[str]:
        if receipt is None:
            yield "a success without a receipt"
            return
        if receipt.status == "interrupted" and self._worker_died(outcome):
            self.counts["answered whole, its worker killed before it had settled"] += 1
            return
        if receipt.status != "completed":
            yield f"a success, and the receipt says {receipt.status} ({receipt.error_code})"
            return
        told, usage = outcome.verdict.usage if outcome.verdict else None, receipt.attempts[-1].usage
        if told and usage and not usage.is_estimated and told != (usage.input_tokens, usage.output_tokens):
            yield f"the client is told {told}, the receipt says {usage.input_tokens} + {usage.output_tokens}"

    def _judge_error(self, outcome: Outcome, receipt: Receipt | None) -> Iterator[str]:
        if receipt is None or not receipt.attempts:
            yield from self._judge_refusal(outcome, receipt)
            return
        if receipt.status == "interrupted":
            if not self._worker_died(outcome) and outcome.status != 503:
                yield "an error, and the receipt is interrupted though no worker was killed"
            return
        if receipt.status == "completed":
            yield "an error, and the receipt says completed"
        if outcome.status not in {200, receipt.http_status}:
            yield f"status {outcome.status}, the receipt says {receipt.http_status}"
        act = self._acts.get(outcome.question.mark, "well")
        if act in _SAYS_WHEN and outcome.status != 200 and not _WHEN & outcome.headers.keys():
            yield f"{act}, and the client is not told when to try again"
        if receipt.error_code not in RIGHT.get(act, frozenset()) | _TIMED_OUT:
            yield f"{receipt.error_code} is not what {act} should end with"

    def _judge_refusal(self, outcome: Outcome, receipt: Receipt | None) -> Iterator[str]:
        self.counts[f"refused with {outcome.status}"] += 1
        if outcome.status == 429 and outcome.question.is_edge and outcome.verdict and outcome.verdict.what in _QUOTA:
            return
        if outcome.status != 503:
            yield f"refused with {outcome.status} ({receipt.error_code if receipt else 'no receipt'})"
        elif "retry-after" not in outcome.headers:
            yield "refused without Retry-After"

    def _judge_unclean(self, outcome: Outcome, what: str) -> Iterator[str]:
        """A relay passes a whole answer on as it came: one that its host cut under a wrong length stays cut."""
        if self._acts.get(outcome.question.mark) == "length-short" and not outcome.question.is_stream:
            self.counts["cut short by the host under a wrong length, relayed as it came"] += 1
            return
        yield what

    def _worker_died(self, outcome: Outcome) -> bool:
        return any(
            fault.workers and outcome.began_s - _SLACK_S <= fault.began_s <= outcome.ended_s + _SLACK_S
            for fault in self._faults
        )

    def _door_was_away(self, outcome: Outcome) -> bool:
        return any(
            fault.is_total and fault.began_s - _SLACK_S <= outcome.ended_s <= (fault.whole_s or 0.0) + _SLACK_S
            for fault in self._faults
        )


def _describe(outcome: Outcome) -> str:
    asked = outcome.question
    kind = "stream" if asked.is_stream else "whole"
    return f"{asked.dialect} {kind} to {asked.route} ({'/'.join(asked.acts)}), {outcome.how} {outcome.status}"
