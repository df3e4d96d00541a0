from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path

from control_ground import running_control

from engines.fake_hub import FakeHub
from hortus.app.modelfiles import Fetching, ModelFiles
from hortus.engines.fetch import Hub
from hortus.engines.sources import SEEDLING_FILE
from hortus.transport.settings import TransportSettings

LOCAL = TransportSettings(private_networks=("127.0.0.0/8",))
TOML = '[[deployment]]\nname = "desk"\nsource = "maker/model:m.gguf"\n'


async def test_a_repository_that_the_file_names_is_fetched_and_deployed(tmp_path: Path) -> None:
    content = await asyncio.to_thread(SEEDLING_FILE.read_bytes)
    async with FakeHub({"m.gguf": content}) as hub, running_control(tmp_path, toml=TOML) as control:
        assert control.plane.missing_sources() == {"maker/model:m.gguf"}
        assert "desk" not in control.snapshot().deployments
        fetching = Fetching(control.home.models, directory=tmp_path, hub=Hub(hub.url), transport=LOCAL)
        task = asyncio.create_task(fetching.keep_fetching(control.plane.missing_sources))
        async with asyncio.timeout(30):
            while control.plane.missing_sources():
                await asyncio.sleep(0.02)
                control.plane.look()
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        assert control.snapshot().deployments["desk"].model_path.endswith("/m.gguf")


async def test_a_hub_that_is_away_is_not_asked_again_at_once(tmp_path: Path) -> None:
    fetching = Fetching(tmp_path, directory=tmp_path, hub=Hub("http://127.0.0.1:9"), transport=LOCAL)
    await fetching._try("maker/model")
    assert fetching._waits["maker/model"] > 100
    await fetching._try("maker/model")


def test_a_source_that_is_none_has_no_file(tmp_path: Path) -> None:
    files = ModelFiles(tmp_path, directory=tmp_path)
    assert files("not a source") is None
    assert files("maker/../..") is None
    assert files("seedling") == "seedling"
    assert files("/m.gguf") == "/m.gguf"
