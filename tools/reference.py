"""Writes the pages of docs/reference that are made from code: settings, errors, metrics, commands, admin API, catalog.

Usage: reference.py [--check]; with --check nothing is written and a stale page is an error.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import typer

from hortus.app.settings import OTHER_VARIABLES, setting_rows
from hortus.canon import errors
from hortus.canon.errors import RequestError
from hortus.catalog import badges
from hortus.catalog.loading import load_catalog
from hortus.catalog.pricerows import Figures
from hortus.catalog.residency import Standing
from hortus.catalog.rows import PriceTerms, Rows
from hortus.cli.root import COMMANDS, Commands
from hortus.control.metrics import GAUGES
from hortus.control.operations import OPERATIONS, PREFIX
from hortus.framing.metering import TABLE as USAGE
from hortus.framing.metering import Row as UsageRow
from hortus.telemetry.metrics import METRICS
from hortus.telemetry.spans import (
    ATTEMPT,
    ATTEMPT_ATTRIBUTES,
    PROVIDERS,
    REQUEST,
    REQUEST_ATTRIBUTES,
    RESOURCE_ATTRIBUTES,
    SPAN_NAMES,
)
from losses import losses_page

PLACE = Path(__file__).parents[1] / "docs" / "reference"
NOTE = "<!-- made by tools/reference.py; change the code, not this page -->"


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> list[str]:
    """Return a Markdown table."""
    lines = ["| " + " | ".join(head) + " |", "| " + " | ".join("---" for _ in head) + " |"]
    for row in rows:
        lines.append("| " + " | ".join(str(cell).replace("|", "\\|").replace("\n", " ") for cell in row) + " |")
    return lines


def settings_page() -> list[str]:
    intro = [
        "# Settings",
        "",
        "A setting is taken from the flag, else the environment, else `[settings]` in `hortus.toml`, else the default.",
        "`hortus config show` names the origin of each.",
        "",
    ]
    rows = [
        (f"`{name}`", f"`--{name.replace('_', '-')}`", f"`HORTUS_{name.upper()}`", f"`{default}`", unit, sentence)
        for name, default, unit, sentence in setting_rows()
    ]
    head = ["setting", "flag of `hortus up`", "variable", "default", "unit", "what it is"]
    others = [(f"`{name}`", sentence) for name, sentence in OTHER_VARIABLES.items()]
    return [*intro, *table(head, rows), "", "## Further variables", "", *table(["variable", "what it is"], others)]


def _subclasses(of: type[RequestError]) -> Iterator[type[RequestError]]:
    for one in of.__subclasses__():
        if one.__module__ == errors.__name__:
            yield one
        yield from _subclasses(one)


def errors_page() -> list[str]:
    intro = [
        "# Errors",
        "",
        "Every error has a stable code, in the answer, the receipt and the metrics. *Retry helps* is what",
        "`x-should-retry` tells the SDKs. *May cost* says that the host may charge for the attempt all the same.",
        "",
    ]
    yes = {True: "yes", False: "no"}
    by_code: dict[str, type[RequestError]] = {}
    for one in _subclasses(RequestError):
        by_code[one.code] = one  # the deepest class of a code says most
    rows = [
        (f"`{code}`", one.status, yes[one.retry_helps], yes[one.may_have_cost], (one.__doc__ or "").split("\n")[0])
        for code, one in sorted(by_code.items())
    ]
    return intro + table(["code", "status", "retry helps", "may cost", "meaning"], rows)


def metrics_page() -> list[str]:
    intro = ["# Metrics", "", "Prometheus reads them from `/metrics` on the admin port, summed over all processes.", ""]
    rows = [
        (f"`{one.name}`", one.kind, ", ".join(f"`{label}`" for label in one.labels), one.unit or "", one.sentence)
        for one in (*METRICS, *GAUGES)
    ]
    return intro + table(["metric", "kind", "labels", "unit", "what it counts"], rows) + spans_section()


def spans_section() -> list[str]:
    lines = [
        "",
        "## Spans",
        "",
        "[A trace of every receipt](../how-to/traces-and-metrics.md) is sent where `otlp_endpoint` is set. Nothing",
        "else is in it than what stands here: *from* names the member of the [receipt](../explanation/receipts.md).",
    ]
    for title, kind, rows in (
        ("The request's span", REQUEST, REQUEST_ATTRIBUTES),
        ("The span of an attempt", ATTEMPT, ATTEMPT_ATTRIBUTES),
    ):
        lines += ["", f"### {title}", "", SPAN_NAMES[kind], ""]
        cells = [(f"`{one.name}`", one.kind, one.unit, f"`{one.source}`", one.sentence) for one in rows]
        lines += table(["attribute", "kind", "unit", "from", "what it says"], cells)
    about = [(f"`{name}`", sentence) for name, sentence in RESOURCE_ATTRIBUTES.items()]
    hosts = [(f"`{host}`", f"`{name}`") for host, name in PROVIDERS.items()]
    return [
        *lines,
        *["", "### What is said once", "", *table(["attribute", "what it says"], about)],
        *["", "### Names of hosts", "", "Others keep ours.", "", *table(["host", "`gen_ai.provider.name`"], hosts)],
    ]


def commands_page() -> list[str]:
    lines = ["# Commands", "", "Every command has `--help`. Where a script would want it, `--json` prints JSON.", ""]
    root = Commands(name="hortus")
    context = typer.Context(root)
    for name in COMMANDS:
        command = root.get_command(context, name)
        lines += [f"## `hortus {name}`", "", (command.help or "").split("\n")[0], ""]
        lines += _options(command)
        for sub_name, sub in sorted(getattr(command, "commands", {}).items()):
            lines += [f"### `hortus {name} {sub_name}`", "", (sub.help or "").split("\n")[0], "", *_options(sub)]
    return lines


def _options(command: object) -> list[str]:
    rows = []
    for one in getattr(command, "params", []):
        if one.name == "help" or getattr(one, "hidden", False):
            continue
        shown = ", ".join(f"`{option}`" for option in one.opts) if one.opts[0].startswith("-") else f"`{one.name}`"
        rows.append((shown, (getattr(one, "help", "") or "").strip()))
    return [*table(["argument", "what it is"], rows), ""] if rows else []


def admin_api_page() -> list[str]:
    intro = [
        "# Admin API",
        "",
        f"Below `{PREFIX}` on the admin port, with the admin token as `Authorization: Bearer`. The machine-readable",
        "description is at `/openapi.json` there.",
        "",
    ]
    rows = [(f"`{one.method}`", f"`{PREFIX}{one.path}`", one.permission, one.summary) for one in OPERATIONS]
    return intro + table(["method", "path", "permission", "what it does"], rows)


def hosts_page() -> list[str]:
    intro = [
        "# Makers and hosts",
        "",
        "What the catalog of this release knows. `hortus catalog show MODEL` gives a model's rows with source and",
        "date. An empty place means unknown, and unknown never counts as allowed.",
        "",
        "## Makers",
        "",
    ]
    rows = load_catalog().rows
    return [
        *intro,
        *table(["id", "maker", "home", "models", "codes of practice"], list(makers_of(rows))),
        "",
        "`gpai-2025` is the General-Purpose AI Code of Practice of 2025. Signing it is a signal, no proof of",
        "compliance; who has not signed has the same duties.",
        "",
        "## Hosts",
        "",
        *table(["id", "host (often called provider)", "dialects", "connected by"], list(hosts_of(rows))),
        "",
        "## Where a host computes, what it keeps, whose law binds it",
        "",
        "Three separate things; [where your data goes](../explanation/residency.md) explains the words. An empty place",
        "is unknown. *Known* is how well and on which day it was read: three months later it is stale.",
        "",
        *table(["host", "computed in", "kept", "operator's law", "trains", "known", "source"], list(places_of(rows))),
        "",
        "### What decides the place",
        "",
        "Where one of these facts is not said, or its value is not known here, the place counts as anywhere.",
        "",
        *table(["host", "fact", "said in", "value → place"], list(deciding(rows))),
        "",
        "### What a request can set",
        "",
        "A policy that needs what this brings has it set in the request, as an adaptation that the receipt names.",
        "",
        *table(["host", "adaptation", "dialects", "brings", "source"], list(levers(rows))),
        "",
        "## Where a host departs from a dialect",
        "",
        "*Demands* is added where a request has none, *refuses* is left out (a loss, which is named), *renames* and",
        "*demands* are named adaptations. What a host adds to answers is in `hortus catalog hosts --json`.",
        "",
        *table(["host", "dialect", "demands", "refuses", "renames", "note"], list(departures(rows))),
    ]


def makers_of(rows: Rows) -> Iterator[tuple[object, ...]]:
    for one in rows.makers:
        models = sum(model.maker == one.id for model in rows.models)
        yield f"`{one.id}`", one.name, one.home or "", models, "; ".join(map(standing, one.codes))


def hosts_of(rows: Rows) -> Iterator[tuple[str, ...]]:
    for one in rows.hosts:
        variable = f"`{one.credential_env}`" if one.credential_env else ""
        yield f"`{one.id}`", one.name, ", ".join(one.dialects), variable


def places_of(rows: Rows) -> Iterator[tuple[str, ...]]:
    trains = {None: "", True: "yes", False: "no"}
    for one in rows.hosts:
        three = badges.computed_in(one), badges.kept(one), badges.law(one)
        yield f"`{one.id}`", *three, trains[one.trains_on_content], f"{one.confidence} {one.as_of}", one.source


def standing(one: Standing) -> str:
    chapters = f" ({', '.join(one.chapters)})" if one.status == "partial" else ""
    return f"`{one.code}`: {one.status}{chapters}, {one.as_of}"


def deciding(rows: Rows) -> Iterator[tuple[str, ...]]:
    said_in = {"facts": "`facts`", "region": "`region`", "model": "the model's name"}
    for host in rows.hosts:
        for one in host.places:
            values = ", ".join(f"`{value}` → {place}" for value, place in one.values.items())
            yield f"`{host.id}`", one.fact, said_in[one.read], values


def levers(rows: Rows) -> Iterator[tuple[str, ...]]:
    for host in rows.hosts:
        for one in host.levers:
            brings = ", ".join(f"{name} = {value}" for name, value in one.gains.items())
            yield f"`{host.id}`", f"`{one.name}`", ", ".join(one.dialects), brings, one.source


def departures(rows: Rows) -> Iterator[tuple[str, ...]]:
    for host in rows.hosts:
        for one in host.surfaces:
            if one.demands or one.forbids or one.renames:
                demands = listed(f"{name} = {value}" for name, value in one.demands.items())
                renames = listed(f"{name} → {other}" for name, other in one.renames.items())
                yield f"`{host.id}`", one.dialect, demands, listed(one.forbids), renames, one.note or ""


def listed(words: Iterable[str]) -> str:
    return ", ".join(f"`{word}`" for word in words)


def prices_page() -> list[str]:
    rows = load_catalog().rows
    intro = [
        "# Prices and usage",
        "",
        "How costs are reckoned stands in [the explanation](../explanation/money.md).",
        "`hortus prices show MODEL` lists each figure of a model.",
        "",
        "## Figures of a price row",
        "",
        *table(["figure", "in which terms"], [(f"`{name}`", _unit(name)) for name in Figures.__struct_fields__]),
    ]
    for dialect, counted in USAGE.items():
        intro += ["", f"## Usage in `{dialect}`", ""]
        intro += table(["member", "what it holds", "where it stands"], [_usage_row(row) for row in counted])
    terms = [_terms_row(one) for one in rows.terms]
    rates = [(f"`{one.row.id}`", one.factor, one.since, one.note or "", one.source) for one in rows.rates]
    return [
        *intro,
        "",
        "## Terms of hosts",
        "",
        *table(["terms", "hosts", "models", "since", "what they are", "source"], terms),
        "",
        "## Rates of currencies",
        "",
        *table(["rate", "factor", "since", "what it is", "source"], rates),
    ]


def _terms_row(one: PriceTerms) -> tuple[object, ...]:
    hosts, models = ", ".join(one.hosts) or "all", ", ".join(f"`{name}…`" for name in one.models) or "all"
    return f"`{one.id}`", hosts, models, one.since, one.note or "", one.source


def _unit(name: str) -> str:
    return "a million tokens" if name.endswith("_per_million") else name.removeprefix("per_").replace("_", " ")


def _usage_row(row: UsageRow) -> tuple[str, str, str]:
    where = "inside its whole"
    if row.beside is not None:
        where = f"beside `{row.beside}`, added to it"
    elif row.count in _WHOLES | _APART:
        where = "a whole" if row.count in _WHOLES else "by itself"
    return (f"`{row.path}`", f"`{row.count}`", f"{where}; one of several spellings" if row.is_spelling else where)


_WHOLES = frozenset({"input_tokens", "output_tokens", "total"})
_APART = frozenset({"service_tier", "region", "searches", "seconds", "pages", "characters", "search_units"})

PAGES: dict[str, Callable[[], list[str]]] = {
    "settings.md": settings_page,
    "errors.md": errors_page,
    "metrics.md": metrics_page,
    "commands.md": commands_page,
    "admin-api.md": admin_api_page,
    "makers-and-hosts.md": hosts_page,
    "losses.md": losses_page,
    "prices.md": prices_page,
}


def main(arguments: list[str]) -> int:
    """Write the pages, or with --check say which ones are stale."""
    stale = []
    for name, page in PAGES.items():
        head, *rest = page()
        text = "\n".join([head, "", NOTE, *rest]).rstrip() + "\n"
        file = PLACE / name
        if not file.exists() or file.read_text("utf-8") != text:
            stale.append(name)
            if "--check" not in arguments:
                file.write_text(text, "utf-8")
    for name in stale:
        print(f"docs/reference/{name}: {'stale; run make docs' if '--check' in arguments else 'written'}")
    return 1 if stale and "--check" in arguments else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
