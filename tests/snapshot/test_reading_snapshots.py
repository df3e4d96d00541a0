"""A snapshot as a worker reads it: checked, resolved with every reason, and read again when it changes."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from hortus.base.errors import ConfigurationError, InstallationError
from hortus.snapshot.model import Candidate, Deployment, Endpoint, Route, RuledOut, Snapshot
from hortus.snapshot.reading import SnapshotFiles, load_snapshot
from hortus.snapshot.resolved import EngineFile, resolve


def endpoint(name: str, **more: object) -> Endpoint:
    fields = {"address": "https://host.example/v1/", "credential": "env:KEY", **more}
    return Endpoint(name=name, model="m", maker="x", host="h", upstream_model="m", **fields)


def snapshot(*endpoints: Endpoint, version: int = 1, deployments: tuple[str, ...] = ()) -> Snapshot:
    candidates = tuple(Candidate(one.name, weight=number) for number, one in enumerate(endpoints, 1))
    made = {name: Deployment(name=name, engine="llamacpp", model_path="x.gguf") for name in deployments}
    return Snapshot(
        version=version,
        compiled_at_ms=1,
        organisation="o",
        endpoints={one.name: one for one in endpoints},
        routes={"r": Route(name="r", candidates=candidates, ruled_out=(RuledOut("old", "is retired"),))},
        deployments=made,
    )


def put(path: Path, content: bytes) -> None:
    aside = path.with_suffix(".new")
    aside.write_bytes(content)
    aside.replace(path)


def credential(reference: str) -> str:
    if reference == "env:KEY":
        return "secret"
    raise ConfigurationError(f"{reference} is not set")


def test_a_snapshot_comes_back_as_it_was_written(tmp_path: Path) -> None:
    path = tmp_path / "current.json"
    whole = snapshot(endpoint("a"), deployments=("d",))
    put(path, msgspec.json.encode(whole))
    assert load_snapshot(path) == whole


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (None, "cannot be read"),
        (b"{", "damaged"),
        (b'{"format":1}', "damaged"),
        (b'{"format":2}', "format 2"),
        (b"{}", "format 0"),
    ],
)
def test_a_bad_snapshot_says_what_is_wrong_and_where(tmp_path: Path, content: bytes | None, reason: str) -> None:
    path = tmp_path / "current.json"
    if content is not None:
        put(path, content)
    with pytest.raises(InstallationError, match=reason) as caught:
        load_snapshot(path)
    assert caught.value.path == str(path)


def test_every_candidate_is_a_target_or_has_a_reason() -> None:
    whole = snapshot(
        endpoint("ready"),
        endpoint("keyless", credential="env:OTHER"),
        endpoint("open", credential=None),
        endpoint("none", auth="none"),
        endpoint("engine", address="engine:d"),
    )
    whole = msgspec.structs.replace(
        whole,
        routes={
            "r": msgspec.structs.replace(
                whole.routes["r"], candidates=(*whole.routes["r"].candidates, Candidate("lost"))
            )
        },
    )
    found = resolve(whole, engines={}, credential=credential).routes["r"]
    assert [(one.endpoint.name, one.headers, one.weight) for one in found.targets] == [
        ("ready", ((b"authorization", b"Bearer secret"),), 1),
        ("open", (), 3),
        ("none", (), 4),
    ]
    assert found.targets[0].base_url == "https://host.example/v1"
    assert {one.endpoint: one.reason for one in found.unusable} == {
        "old": "is retired",
        "keyless": "env:OTHER is not set",
        "engine": "deployment d is not running yet",
        "lost": "is not declared",
    }
    assert [one.endpoint for one in found.unusable if one.is_passing] == ["engine"]


@pytest.mark.parametrize(
    ("state", "is_target", "is_passing"), [("ready", True, None), ("starting", False, True), ("failed", False, False)]
)
def test_an_engine_is_a_target_when_it_is_ready(state: str, *, is_target: bool, is_passing: bool | None) -> None:
    engine = EngineFile(name="d", state=state, base_url="http://127.0.0.1:5/v1", key="k", error="a private reason")
    found = resolve(snapshot(endpoint("e", address="engine:d")), engines={"d": engine}, credential=credential).routes[
        "r"
    ]
    assert bool(found.targets) is is_target
    if is_target:
        assert (found.targets[0].base_url, found.targets[0].headers) == (
            engine.base_url,
            ((b"authorization", b"Bearer k"),),
        )
    else:
        assert found.unusable[-1].is_passing is is_passing
        assert "private" not in found.unusable[-1].reason


def test_files_are_read_again_only_when_they_changed(tmp_path: Path) -> None:
    path = tmp_path / "current.json"
    files = SnapshotFiles(path, engine_path=lambda name: tmp_path / f"{name}.json")
    assert not files.poll()
    put(path, msgspec.json.encode(snapshot(deployments=("d",))))
    assert files.poll()
    assert not files.poll()
    put(tmp_path / "d.json", msgspec.json.encode(EngineFile(name="d", state="ready", base_url="http://x/v1")))
    assert files.poll()
    assert files.engines["d"].state == "ready"
    put(tmp_path / "d.json", b"half")
    assert files.poll()
    assert files.engines == {}
    put(path, msgspec.json.encode(snapshot(version=2)))
    assert files.poll()
    assert files.snapshot.version == 2


def test_a_damaged_file_leaves_the_last_good_snapshot_in_use(tmp_path: Path) -> None:
    path = tmp_path / "current.json"
    files = SnapshotFiles(path, engine_path=lambda name: tmp_path / name)
    put(path, msgspec.json.encode(snapshot(version=5)))
    assert files.poll()
    put(path, b"{")
    assert not files.poll()
    assert files.snapshot.version == 5
    path.unlink()
    assert not files.poll()
    assert files.snapshot.version == 5
