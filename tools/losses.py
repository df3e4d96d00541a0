"""Makes docs/reference/losses.md: every probe is said in each dialect and written in each other one."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any, NamedTuple

from hortus.canon.embeddings import EmbeddingsRequest
from hortus.canon.errors import RequestError
from hortus.canon.loss import Loss
from hortus.canon.manifest import Vocabulary
from hortus.canon.nodes import Node
from hortus.canon.request import Request
from hortus.canon.response import Response
from hortus.canon.translation import Asking, Call, Target, Translation, Whole, Written
from hortus.dialects import DIALECTS
from probes import embeddings_probes, moderation_probes, placed, request_probes, rerank_probes, response_probes

TRANSLATIONS = {
    dialect.name: dialect.translation
    for dialect in DIALECTS
    if dialect.translation is not None and dialect.translation.chats
}
TITLES = {
    "openai_chat": "OpenAI Chat",
    "openai_responses": "OpenAI Responses",
    "anthropic_messages": "Anthropic Messages",
    "gemini": "Gemini",
}
Brought = Callable[[Translation], "Whole[Any, Any] | None"]
WHOLES: tuple[tuple[str, Callable[[], Iterable[tuple[str, object]]], Brought], ...] = (
    ("Rankings", rerank_probes, lambda one: one.rerank),
    ("Judgements of content", moderation_probes, lambda one: one.moderations),
)
CALL = Call(route="garden", is_stream=False)
NUMBER = re.compile(r"\[\d+\]")

INTRO = """
What a request (or an answer) says and the other side's API has no place for is a *loss*. It is never silent: it is
named with its path in the words of the side it came from, in the header `hortus-losses`, in the receipt and in a
metric. *Meaning* is content, tools, schemas, stop words and the limit of output; *tuning* is how an answer is drawn;
*advisory* is everything beside. With the setting `standard` a request that would lose meaning is refused, with all its
paths at once; `strict` refuses every loss, `lenient` none. What an answer loses never refuses.

A *named adaptation* changes the form and keeps the meaning; it is in the receipt and is no loss. A value that asks for
what the target does by itself (`n=1`, a penalty of 0) is carried by being left out.

Below, each pair of dialects is tried with one small request or answer for each thing that can be said.
Between the same dialect on both sides nothing is translated and nothing is lost.
""".strip().splitlines()


class Row(NamedTuple):
    """What becomes of one thing between two dialects."""

    what: str
    path: str
    weight: str
    reason: str


def losses_page() -> list[str]:
    """Return the page."""
    lines = ["# What is lost between dialects", "", *INTRO, ""]
    for client in TRANSLATIONS:
        for host in TRANSLATIONS:
            if client != host:
                lines += _section(client, host)
    return lines + _sections_of_wholes() + _unknown_members()


def _sections_of_wholes() -> list[str]:
    lines: list[str] = []
    for word, probes, brought in WHOLES:
        speaking = [
            (one.name, one.translation)
            for one in DIALECTS
            if one.translation is not None and brought(one.translation) is not None
        ]
        for client, ours in speaking:
            for host, theirs in speaking:
                if client != host:
                    become = partial(_ask_whole, client=ours, host=theirs, brought=brought)
                    rows, _ = _rows(probes(), become)
                    title = f"## {word}: {TITLES.get(client, client)} to {TITLES.get(host, host)}"
                    lines += [title, "", *_table("of the request", rows)]
    return lines


def _ask_whole(probe: object, *, client: Translation, host: Translation, brought: Brought) -> Written | None:
    ours, theirs = brought(client), brought(host)
    assert isinstance(probe, Node)  # noqa: S101 -- as below
    assert ours is not None  # noqa: S101 -- only those are asked
    assert theirs is not None  # noqa: S101 -- likewise
    said = ours.write_request(placed(probe), Target("garden", Vocabulary()))
    if said.losses:
        return None
    return theirs.write_request(ours.read_request(said.body, CALL), Target("garden", client.vocabulary))


def _section(client: str, host: str) -> list[str]:
    one, other = TRANSLATIONS[client], TRANSLATIONS[host]
    asked, adapted = _rows(request_probes(), lambda probe: _ask(probe, one, other))
    vectors, adapted_too = _rows(embeddings_probes(), lambda probe: _ask_vectors(probe, one, other))
    answered, _ = _rows(response_probes(), lambda probe: _answer(probe, other, one))
    lines = [f"## {TITLES.get(client, client)} to {TITLES.get(host, host)}", ""]
    lines += _table("of the request", [*asked, *vectors])
    if one.embeddings is None or other.embeddings is None:
        lines += ["Embeddings are not translated between these two.", ""]
    lines += _table("of the answer", answered)
    adaptations = sorted({*adapted, *adapted_too})
    if adaptations:
        lines += ["Named adaptations: " + ", ".join(f"`{name}`" for name in adaptations) + ".", ""]
    return lines


def _rows(
    probes: Iterable[tuple[str, object]], become: Callable[[object], Written | None]
) -> tuple[list[Row], set[str]]:
    rows: list[Row] = []
    adaptations: set[str] = set()
    always: set[str] = set()
    for number, (what, probe) in enumerate(probes):
        written = become(probe)
        if written is None:
            continue
        adaptations.update(NUMBER.sub("[]", name) for name in written.adaptations)
        if number == 0:
            always = {loss.path for loss in written.losses}
        rows += [
            _row(what if number else "always", loss) for loss in written.losses if not number or loss.path not in always
        ]
    return list(dict.fromkeys(rows)), adaptations


def _row(what: str, loss: Loss) -> Row:
    return Row(what, NUMBER.sub("[]", loss.path), loss.weight, loss.reason)


def _ask(probe: object, client: Translation, host: Translation) -> Written | None:
    """Return what the host gets; None where the client's dialect cannot say it."""
    assert isinstance(probe, Request)  # noqa: S101 -- one table of probes for each kind
    said = client.chat.write_request(placed(probe), Target("garden", Vocabulary()))
    if said.losses:
        return None
    request = client.chat.read_request(said.body, CALL)
    return host.chat.write_request(request, Target("garden", client.vocabulary))


def _ask_vectors(probe: object, client: Translation, host: Translation) -> Written | None:
    assert isinstance(probe, EmbeddingsRequest)  # noqa: S101 -- as above
    if client.embeddings is None or host.embeddings is None:
        return None
    try:
        said = client.embeddings.write_request(placed(probe), Target("garden", Vocabulary()))
    except RequestError:
        return None
    if said.losses:
        return None
    request = client.embeddings.read_request(said.body, CALL)
    return host.embeddings.write_request(request, Target("garden", client.vocabulary))


def _answer(probe: object, host: Translation, client: Translation) -> Written | None:
    assert isinstance(probe, Response)  # noqa: S101 -- as above
    asking = _asking(Vocabulary())
    said = host.chat.write_response(placed(probe), asking)
    if any(loss.weight == "meaning" for loss in said.losses):
        return None
    return client.chat.write_response(host.chat.read_response(said.body), _asking(host.vocabulary))


def _asking(source: Vocabulary) -> Asking:
    request = Request(model="garden", messages=(), choices=2)
    return Asking(request=request, answer_id="0001", now_s=1_790_000_000, call=CALL, source=source)


def _table(title: str, rows: list[Row]) -> list[str]:
    if not rows:
        return [f"Nothing {title} is lost.", ""]
    lines = [f"| lost {title} | member | weight | why |", "| --- | --- | --- | --- |"]
    alike: dict[tuple[str, ...], list[str]] = {}
    for row in rows:
        alike.setdefault(row[1:], []).append(row.what)
    for (path, weight, reason), things in alike.items():
        cells = (", ".join(dict.fromkeys(things)), f"`{path}`", weight, _in_words(reason))
        lines.append("| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |")
    return [*lines, ""]


def _in_words(reason: str) -> str:
    name, _, rest = reason.partition(" ")
    return f"{TITLES[name]} {rest}" if name in TITLES else reason


def _unknown_members() -> list[str]:
    lines = [
        "## Members that only one dialect knows",
        "",
        "Any other member is carried where both sides speak its dialect. Elsewhere it is a loss: inside messages,",
        "tools or a schema of *meaning*, at the top level of *tuning*, unless it stands here. A host's row can weigh",
        "it otherwise.",
        "",
        "| dialect | member | weight |",
        "| --- | --- | --- |",
    ]
    return [*lines, *_weights(), ""]


def _weights() -> Iterator[str]:
    for name, translation in ((one.name, one.translation) for one in DIALECTS if one.translation is not None):
        for path, weight in sorted(translation.vocabulary.weights.items()):
            yield f"| {TITLES.get(name, name)} | `{path}` | {weight} |"
