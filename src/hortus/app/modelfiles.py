"""Where the files of deployments lie on this node, and fetching those that a configuration names and nobody brought.

`hortus deploy` fetches before it asks for a deployment; a repository named in `hortus.toml` is fetched here.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path

from hortus.base.errors import HortusError
from hortus.engines.fetch import DOWNLOAD_TIMEOUTS, Hub, fetch_model
from hortus.engines.hub import Embedded, HubModel, LocalFile, parse_source
from hortus.engines.sources import SEEDLING
from hortus.transport.client import Client
from hortus.transport.settings import TransportSettings

LOOK_EVERY_S = 1.0
_AGAIN_AFTER_LOOKS = 300
"""After a failure: five minutes; a hub that is away is not asked every second."""

_log = logging.getLogger("hortus.control")


class ModelFiles:
    """Where the files of deployments lie: at their path, or among the models that were fetched."""

    def __init__(self, models: Path, *, directory: Path) -> None:
        self._models = models
        self._directory = directory

    def __call__(self, source: str) -> str | None:
        """Return the file's path, None where it has not been fetched; a path of this machine is the engine's to judge.

        Relative paths start from the configuration file's directory.
        """
        try:
            parsed = parse_source(source, directory=self._directory)
        except HortusError:
            return None
        match parsed:
            case Embedded():
                return SEEDLING
            case LocalFile(path):
                return str(path)
            case HubModel(repository=repository, file=file):
                folders = f"{repository.replace('/', '--')}@*"
                wanted = (file or "").rsplit("/", 1)[-1].lower()
                found = sorted(self._models.glob(f"{folders}/*.gguf"), key=lambda path: path.stat().st_mtime_ns)
                return next((str(path) for path in reversed(found) if wanted in path.name.lower()), None)


class Fetching:
    """Fetches what is missing, one model after another; a failure is said and tried again later."""

    def __init__(
        self, models: Path, *, directory: Path, hub: Hub, transport: TransportSettings, may_be_private: bool = False
    ) -> None:
        self._models = models
        self._directory = directory
        self._hub = hub
        self._transport = transport
        self._may_be_private = may_be_private
        self._waits: dict[str, int] = {}

    async def keep_fetching(self, missing: Callable[[], frozenset[str]]) -> None:
        """Look every second for sources without a file.

        Args:
            missing: Returns the sources of deployments whose files are not here.
        """
        while True:
            for source in sorted(missing()):
                await self._try(source)
            await asyncio.sleep(LOOK_EVERY_S)

    async def _try(self, source: str) -> None:
        waits = self._waits.get(source, 0)
        if waits > 0:
            self._waits[source] = waits - 1
            return
        _log.info("fetching a model", extra={"source": source, "hub": self._hub.url})
        try:
            parsed = parse_source(source, directory=self._directory)
            async with Client(
                self._transport, timeouts=DOWNLOAD_TIMEOUTS, may_be_private=self._may_be_private
            ) as client:
                await fetch_model(parsed, client, hub=self._hub, models=self._models)
        except HortusError as error:
            _log.error("model not fetched", extra={"source": source, "reason": str(error)})
            self._waits[source] = _AGAIN_AFTER_LOOKS
