"""How policies, verdicts and rehearsals are shown to people: tables with colours."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from rich.text import Text

from hortus.cli.limitwords import plain
from hortus.cli.policyreplies import Change, EndpointVerdict, Explanation, Facts, Policy, Rehearsal, Ruling, Said
from hortus.cli.screen import Column, disarm, show_facts, show_line, show_table

_OUTCOMES = {
    "refused": ("refused", "red"),
    "moved": ("elsewhere", "yellow"),
    "adapted": ("asked otherwise", "yellow"),
    "allowed": ("would go", "green"),
}


def show_policies(found: Sequence[Policy]) -> None:
    """Write policies as a table on standard output."""
    columns = [Column("policy", is_whole=True), Column("demands"), Column("projects"), Column("origin")]
    show_table(columns, [_policy_row(policy) for policy in found])


def show_policy(policy: Policy) -> None:
    """Write one policy on standard output, a line for each rule."""
    description = policy.rules.get("description")
    show_facts(
        [
            ("policy", policy.name),
            ("for people", description),
            ("projects", ", ".join(policy.projects)),
            ("shadow of", ", ".join(policy.shadow_of)),
            ("in receipts", policy.mark),
            ("origin", f"{policy.origin}, {policy.where}" if policy.where else policy.origin),
            ("state", "retired" if policy.retired_at_ms else None),
        ]
    )
    show_line("")
    if policy.words:
        show_table([Column("rule", is_whole=True), Column("says")], [(one.rule, one.says) for one in policy.words])
    else:
        show_line("It demands nothing: requests may go anywhere.")


def show_explanation(said: Explanation) -> None:
    """Write a verdict on standard output: the request, then each endpoint of the route."""
    show_facts(
        [
            ("project", said.project),
            ("route", said.route if said.may_use_route else f"{said.route} (which the project may not use)"),
            ("operation", said.operation),
            ("policy", f"{said.mark}{', a draft' if said.is_draft else ''}, on {said.on}"),
            ("verdict", _verdict(said)),
            ("the request", "; ".join(_reasons(said.request_rulings))),
            ("content", " ".join(one.says for one in said.content)),
            ("shadow", _shadow(said)),
        ]
    )
    show_line("")
    columns = [Column("endpoint"), Column("verdict", is_whole=True), Column("because"), Column("known")]
    show_table(columns, [_endpoint_row(one) for one in said.endpoints])
    sources = [(one.endpoint, one.facts.source) for one in said.endpoints if one.facts and one.facts.source]
    if sources:
        show_line("")
        show_table([Column("facts of", is_whole=True), Column("source")], sources)


def show_rehearsal(found: Rehearsal) -> None:
    """Write on standard output what a draft would have changed."""
    changed = found.requests - found.unchanged
    show_facts(
        [
            ("project", found.project),
            ("policy", found.policy),
            ("draft", found.draft),
            ("requests", f"{found.requests}, of which {changed} would have gone otherwise"),
            ("led nowhere", ", ".join(found.stranded)),
            ("not seen", "; ".join(found.not_rehearsed)),
        ]
    )
    if found.changes:
        show_line("")
        columns = [
            Column("route"), Column("endpoint"), Column("requests", is_number=True),
            Column("would be", is_whole=True), Column("because"), Column("cost", is_number=True),
        ]  # fmt: skip
        show_table(columns, [_change_row(change) for change in found.changes])


def say_demands(words: Iterable[Said | str]) -> str:
    """Return what a policy demands as one line.

    >>> say_demands(())
    'nothing: requests may go anywhere'
    """
    said = [one if isinstance(one, str) else one.says for one in words]
    return " ".join(said) or "nothing: requests may go anywhere"


def say_facts(facts: Facts | None) -> str:
    """Return what is known of an endpoint, and who says so.

    >>> say_facts(None)
    'nothing'
    """
    if facts is None:
        return "nothing"
    return "; ".join(part for part in _parts(facts) if part)


def _parts(facts: Facts) -> Iterator[str]:
    place = f"decided by its {', '.join(facts.undecided)}" if facts.undecided else facts.compute or "unknown"
    yield f"computes: {place}"
    yield f"stores: {facts.storage}" if facts.storage else ""
    yield f"keeps {facts.retention_days} d" if facts.retention_days is not None else "keeps: unknown"
    yield f"law: {facts.home}" if facts.home else ""
    yield "trains" if facts.trains else ""
    yield "own machine" if facts.is_own else _source(facts)


def _source(facts: Facts) -> str:
    if facts.checked_on is None:
        return f"{facts.confidence}, nobody says when"
    return f"{facts.confidence} {facts.checked_on}{' (stale)' if facts.is_stale else ''}"


def _policy_row(policy: Policy) -> tuple[object, ...]:
    demands = ", ".join(one.rule for one in policy.words) or "nothing"
    used = [*policy.projects, *(f"{name} (shadow)" for name in policy.shadow_of)]
    style = "dim" if policy.retired_at_ms else ""
    return Text(policy.name, style=style), demands, used, "retired" if policy.retired_at_ms else policy.origin


def _verdict(said: Explanation) -> Text:
    if not said.is_allowed:
        return Text("refused: it goes nowhere", style="red")
    if not any(one.is_allowed and one.is_usable for one in said.endpoints):
        return Text("allowed, but nothing that it may go to can be called now", style="yellow")
    return Text("allowed", style="green")


def _shadow(said: Explanation) -> str | None:
    if said.shadow_policy is None:
        return None
    against = [f"{one.endpoint} ({_rules(one.shadow_rulings)})" for one in said.endpoints if one.shadow_rulings]
    if said.shadow_request_rulings:
        against.insert(0, f"the request ({_rules(said.shadow_request_rulings)})")
    return f"{said.shadow_policy} {'would say no to ' + ', '.join(against) if against else 'has nothing against it'}"


def _endpoint_row(one: EndpointVerdict) -> tuple[object, ...]:
    if not one.is_allowed:
        verdict = Text("ruled out", style="red")
    else:
        verdict = Text("allowed", style="green") if one.is_usable else Text("away", style="yellow")
    because = [*_reasons(one.rulings), *([one.reason] if one.reason else [])]
    because += [f"asked for {lever}" for lever in one.adaptations]
    return one.endpoint, verdict, disarm("\n".join(because)), say_facts(one.facts)


def _change_row(change: Change) -> tuple[object, ...]:
    word, style = _OUTCOMES.get(change.outcome, (change.outcome, ""))
    because = [*_reasons(change.rulings), *(f"asked for {one}" for one in change.adaptations), *change.findings]
    if change.instead:
        because.append(f"left: {', '.join(change.instead)}")
    number = f"≤ {change.requests}" if change.is_at_most else str(change.requests)
    cost = "\n".join(f"{plain(one.amount)} {one.currency}" for one in change.cost)
    return change.route, change.endpoint, number, Text(word, style=style), "\n".join(because), cost


def _rules(rulings: Iterable[Ruling]) -> str:
    return ", ".join(ruling.rule for ruling in rulings)


def _reasons(rulings: Iterable[Ruling]) -> Iterator[str]:
    for ruling in rulings:
        yield f"{ruling.reason} ({ruling.rule})"
