"""The matrix: every client through Hortus to a host of every dialect, feature by feature, and its page."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Literal
from urllib.parse import unquote, urlsplit

import msgspec
import pytest

from garden import Hortus, wait_for
from hortus.testkit.replay_host import ReplayHost, Seen
from sdk.accepted import complaints
from sdk.clients.anthropic_messages import AnthropicMessages
from sdk.clients.azure import AzureChat, AzureResponses
from sdk.clients.azure_inference import AzureInference
from sdk.clients.bedrock import Bedrock
from sdk.clients.cohere import Cohere
from sdk.clients.foundry import FoundryByHand
from sdk.clients.google_genai import GoogleGenAI
from sdk.clients.mistralai import MistralAI
from sdk.clients.openai_chat import OpenAIChat
from sdk.clients.openai_responses import OpenAIResponses
from sdk.clients.words import Listening, listening
from sdk.features import FEATURES, HOST_LACKS, Feature, Place
from sdk.workers import worker_of

CLIENTS: dict[str, tuple[Any, str, str]] = {
    "openai, chat": (OpenAIChat, "/openai/v1", "openai"),
    "openai, responses": (OpenAIResponses, "/openai/v1", "openai"),
    "openai's azure, chat": (AzureChat, "/azure", "openai"),
    "openai's azure, responses": (AzureResponses, "/azure", "openai"),
    "anthropic": (AnthropicMessages, "/anthropic", "anthropic"),
    "google-genai": (GoogleGenAI, "/gemini", "google-genai"),
    "mistralai": (MistralAI, "/mistral", "mistralai"),
    "cohere": (Cohere, "/cohere", "cohere"),
    "azure-ai-inference": (AzureInference, "/azure/models", "azure-ai-inference"),
    "Foundry's path by plain HTTP": (FoundryByHand, "/azure/models", "httpx2"),
    "boto3": (Bedrock, "/bedrock", "boto3"),
}
"""Each official SDK: its adapter, its base address at Hortus, its package."""

HOSTS: tuple[str, ...] = tuple(HOST_LACKS)
PAGE = Path(__file__).parents[2] / "docs" / "reference" / "matrix.md"
SCENES: tuple[str, ...] = tuple(dict.fromkeys(row.scene for row in FEATURES))

_REFUSED = re.compile(r"`([^`]+)` \((meaning|tuning|advisory)\)")
State = Literal["passed", "loss", "not offered", "failed"]


class Cell(msgspec.Struct, frozen=True):
    """What came of one feature; `detail` names what was lost, or what failed."""

    state: State
    detail: tuple[str, ...] = ()


def route_of(host: str, scene: str) -> str:
    """Name the route to a scene at a host."""
    return f"{host}.{re.sub('[^a-z0-9]+', '-', scene)}"


_ANY = 'host = "any"\ndialects = ["{}"]'
_SPOKEN: dict[str, str] = {
    "azure": 'host = "azure"\nstyle = "deployments"\nauth = "api-key"',
}
_MODELS = {"bedrock_converse": "anthropic.claude-fake-v1"}
"""What a host calls the model, where its name says what it takes."""


def declared(replay_host: ReplayHost) -> str:
    """Write hortus.toml: a route to each scene at each host."""
    text = '[[project]]\nname = "default"\nroutes = ["*"]\n'
    for host in HOSTS:
        operations = '["chat"]' if "embeddings" in HOST_LACKS[host] else '["chat", "embeddings"]'
        for scene in SCENES:
            name = route_of(host, scene)
            text += f"""
[[endpoint]]
name = "{name}"
model = "fake"
{_SPOKEN.get(host, _ANY.format(host))}
base_url = "{replay_host.base_of(host)}"
private_address = true
upstream_model = "{_MODELS.get(host, "fake")}:scene={scene}"
credential = "env:REPLAY_KEY"
operations = {operations}
[[route]]
name = "{name}"
endpoints = ["{name}"]
"""
    return text


class Matrix:
    """Runs cells, each once."""

    def __init__(self, garden: Hortus, replay_host: ReplayHost, stack: ExitStack) -> None:
        self._garden = garden
        self._replay_host = replay_host
        self._stack = stack
        self._key, self._pair = garden.new_key_and_pair()
        self._clients = {name: self.open(name) for name in CLIENTS}
        self._done: dict[tuple[str, str, str], Cell] = {}

    def open(self, name: str) -> Any:
        """Open a client with connections of its own."""
        made, base, _ = CLIENTS[name]
        key = self._pair if made is Bedrock else self._key
        return made(self._garden.door + base, key, self._stack.enter_context(listening()))

    def cell(self, client: str, host: str, row: Feature) -> Cell:
        """Return what came of a feature."""
        place = (client, host, row.name)
        if place not in self._done:
            self._done[place] = self._run(client, host, row)
        return self._done[place]

    def cells(self, client: str) -> Iterator[tuple[Feature, tuple[Cell, ...]]]:
        """Yield a client's rows, a cell for each host."""
        for row in FEATURES:
            yield row, tuple(self.cell(client, host, row) for host in HOSTS)

    def _run(self, name: str, host: str, row: Feature) -> Cell:
        client = self._clients[name]
        if row.needs in client.lacks | HOST_LACKS[host]:
            return Cell("not offered")
        ears = [client.listening]
        client.listening.losses.clear()
        asked_before = len(self._replay_host.seen)
        place = Place(lambda scene: route_of(host, scene), host, elsewhere=lambda: self._elsewhere(name, ears))
        try:
            row.check(client, place, row.scene)
        except pytest.skip.Exception:
            return Cell("not offered")
        except (Exception, pytest.fail.Exception) as error:  # noqa: BLE001 -- whatever it raised is the cell's content
            return _refused(error) or Cell("failed", (repr(error)[:600],))
        wrong = _misuse(self._replay_host.seen[asked_before:])
        lost = [path for one in ears for header in one.losses for path in _listed(header)]
        return wrong or (Cell("loss", _paths(lost)) if lost else Cell("passed"))

    def _elsewhere(self, name: str, ears: list[Listening]) -> Any:
        """Open the same client on a worker that does not hold the first one's connection; listen to it too."""
        pids = {pid for child, pid in self._garden.children().items() if child.startswith("worker")}
        here = self._worker(self._clients[name], pids)

        def find() -> Any:
            other = self.open(name)
            other.routes()
            return other if self._worker(other, pids) not in {here, None} else None

        other = wait_for(find, what="a connection to another worker")
        ears.append(other.listening)
        return other

    def _worker(self, client: Any, pids: set[int]) -> int | None:
        heard: Listening = client.listening
        return worker_of(heard.local_port, urlsplit(self._garden.door).port or 0, pids)


def _refused(error: BaseException) -> Cell | None:
    """Read a refusal because of losses; None where the error says something else."""
    lost = _REFUSED.findall(str(error)) if "cannot carry" in str(error) else []
    return Cell("loss", _paths(path for path, _ in lost)) if lost else None


def _misuse(sent: list[Seen]) -> Cell | None:
    """Judge what the host got: something, and what its maker takes."""
    if not sent:
        return Cell("failed", ("the host was never asked",))
    wrong = [one for seen in sent for one in complaints(seen)]
    return Cell("failed", ("its maker would refuse what was sent", *wrong[:12])) if wrong else None


def _listed(header: str) -> list[str]:
    """Read the paths out of the header; what is only advice is no loss of the feature."""
    named = [one.partition(":") for one in header.replace(";", ",").split(", ")]
    return [unquote(path) for weight, _, path in named if weight in {"meaning", "tuning"}]


def _paths(found: Any) -> tuple[str, ...]:
    """Name each path once, whatever the position in a list."""
    return tuple(dict.fromkeys(re.sub(r"\[\d+\]", "[]", one) for one in found))


_HEAD = """# Which SDK reaches which host

Every official SDK, unchanged but for its base address, asks through Hortus; a replay host answers in each dialect, as
the makers do (`azure`: OpenAI's two in Azure's way, with the deployment in the path). Written by `make matrix`; a test
compares this page with a fresh run.

- `passed`: the SDK read what it should, or raised the class that its users catch.
- `loss`: the host's dialect cannot carry what is named below the table. Content, tools, schema, stop and output limit
  are refused with these paths; the rest is answered, with the paths in the header `hortus-losses`. Members that are
  only advice, such as `service_tier`, stand in that header too and are not counted here.
- `none`: the SDK's API, or the host's, has no such thing.
"""


def written(matrix: Matrix, *, versions: Callable[[str], str]) -> str:
    """Write docs/reference/matrix.md."""
    tables = {client: list(matrix.cells(client)) for client in CLIENTS}
    all_cells = [cell for rows in tables.values() for _, cells in rows for cell in cells]
    lines = [_HEAD, f"{len(all_cells)} cells, {len(FEATURES)} features for each pair: {_counted(all_cells)}.", ""]
    lines += _table("passed + loss", [(f"{client}", _columns(rows)) for client, rows in tables.items()])
    for client, rows in tables.items():
        package = CLIENTS[client][2]
        lines += ["", f"## {client} ({package} {versions(package)})", "", *_of_client(rows)]
    return "\n".join(lines) + "\n"


def _counted(cells: list[Cell]) -> str:
    states: tuple[State, ...] = ("passed", "loss", "not offered")
    return ", ".join(f"{sum(cell.state == state for cell in cells)} {state}" for state in states)


def _columns(rows: list[tuple[Feature, tuple[Cell, ...]]]) -> list[str]:
    """Count what passed and what lost something, host by host."""
    columns = zip(*(cells for _, cells in rows), strict=True)
    counts = [[sum(cell.state == state for cell in cells) for state in ("passed", "loss")] for cells in columns]
    return [f"{passed} + {lost}" for passed, lost in counts]


def _table(corner: str, rows: list[tuple[str, list[str]]]) -> list[str]:
    head = f"| {corner} | " + " | ".join(f"`{host}`" for host in HOSTS) + " |"
    return [head, "| --- |" + " --- |" * len(HOSTS), *(f"| {name} | {' | '.join(cells)} |" for name, cells in rows)]


def _of_client(rows: list[tuple[Feature, tuple[Cell, ...]]]) -> list[str]:
    """Write one client's rows: those that passed at every host in a sentence, the others as a table with its notes."""
    whole = [row.name for row, cells in rows if all(cell.state == "passed" for cell in cells)]
    notes: dict[tuple[str, ...], int] = {}
    shown = [
        (row.name, [_short(cell, notes) for cell in cells])
        for row, cells in rows
        if {cell.state for cell in cells} not in ({"passed"}, {"not offered"})
    ]
    lost = [f"- loss {number}: " + ", ".join(f"`{path}`" for path in paths) for paths, number in notes.items()]
    never = [row.name for row, cells in rows if all(cell.state == "not offered" for cell in cells)]
    told = [f"Passed at every host: {'; '.join(whole)}.", *([f"Not offered: {'; '.join(never)}."] if never else [])]
    return ["\n\n".join(told), "", *_table("feature", shown), *([""] if lost else []), *lost]


def _short(cell: Cell, notes: dict[tuple[str, ...], int]) -> str:
    if cell.state == "loss":
        return f"loss {notes.setdefault(cell.detail, len(notes) + 1)}"
    return "none" if cell.state == "not offered" else cell.state
