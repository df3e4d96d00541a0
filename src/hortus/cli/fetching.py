"""Brings a model's file to this machine before it is deployed, with a progress bar."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

from hortus.app.home import Home
from hortus.app.outward import is_own_hub, transport_settings
from hortus.app.settings import Loaded, load_settings, read_environment
from hortus.base.errors import InstallationError
from hortus.cli.place import Installation
from hortus.cli.screen import note
from hortus.engines.fetch import DOWNLOAD_TIMEOUTS, Hub, fetch_model
from hortus.engines.fetch import Progress as OnProgress
from hortus.engines.hub import HubModel, parse_source
from hortus.transport.client import Client


def bring_model(text: str, installation: Installation) -> str:
    """Return what a deployment's source shall say: the model is here then and was looked into.

    Args:
        text: A path, a repository of a hub, or `seedling`.
        installation: Must run on this machine.

    Raises:
        EngineError: The file is no model, or cannot be fetched.
        HostFault: The hub cannot be reached.
        InstallationError: The installation is on another machine.
    """
    if installation.home is None:
        raise InstallationError(
            "models are deployed on the installation's own machine.",
            path=installation.admin,
            hint="Run `hortus deploy` there, without HORTUS_URL.",
        )
    loaded = load_settings({}, environment=read_environment(), directory=Path.cwd())
    return asyncio.run(_bring(text, loaded, installation.home))


async def _bring(text: str, loaded: Loaded, home: Home) -> str:
    source = parse_source(text, directory=Path.cwd())
    hub = Hub(url=loaded.settings.hub_url, token=loaded.environment.get("HF_TOKEN"))
    transport, is_own = transport_settings(loaded.settings), is_own_hub(loaded.settings)
    async with Client(transport, timeouts=DOWNLOAD_TIMEOUTS, may_be_private=is_own) as client:
        if not isinstance(source, HubModel):
            return await fetch_model(source, client, hub=hub, models=home.models)
        note(f"Fetching {source.repository} from {hub.url}")
        with _bar(source.repository) as on_progress:
            return await fetch_model(source, client, hub=hub, models=home.models, on_progress=on_progress)


@contextmanager
def _bar(label: str) -> Iterator[OnProgress]:
    columns = (
        TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn(),
    )  # fmt: skip
    with Progress(*columns, console=Console(stderr=True), disable=not sys.stderr.isatty()) as progress:
        task = progress.add_task(label, total=None)
        yield lambda done, total: progress.update(task, completed=done, total=total)
