"""A snapshot as a worker reads it: checked, resolved with every reason, and read again when it changes."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from hortus.base.errors import ConfigurationError, InstallationError
from hortus.snapshot.model import Candidate, Deployment, Endpoint, Route, RuledOut, Snapshot, Spoken
from hortus.snapshot.reading import SnapshotFiles, load_snapshot
from hortus.snapshot.resolved import EngineFile, resolve
from hortus.snapshot.writing import publish


def endpoint(name: str, **more: object) -> Endpoint:
    fields = {"credential": "env:KEY", **more}
    spoken = fields.pop("spoken", None) or (
        Spoken("openai_chat", fields.pop("address", "https://host.example/v1/"), auth=fields.pop("auth", "bearer")),
    )
    return Endpoint(name=name, model="m", maker="x", host="h", upstream_model="m", spoken=spoken, **fields)


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
        (b'{"format":4}', "damaged"),
        (b'{"format":1}', "format 1"),
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
    assert [(one.endpoint.name, one.ways["openai_chat"].headers, one.weight) for one in found.targets] == [
        ("ready", ((b"authorization", b"Bearer secret"),), 1),
        ("open", (), 3),
        ("none", (), 4),
    ]
    assert found.targets[0].ways["openai_chat"].base_url == "https://host.example/v1"
    assert {one.endpoint: one.reason for one in found.unusable} == {
        "old": "is retired",
        "keyless": "env:OTHER is not set",
        "engine": "deployment d is not running yet",
        "lost": "is not declared",
    }
    assert [one.endpoint for one in found.unusable if one.is_passing] == ["engine"]


BOTH = (
    Spoken("anthropic_messages", "https://a.example/v1", auth="x-api-key", headers={"anthropic-version": "2023-06-01"}),
    Spoken("openai_chat", "https://o.example/v1", model="x/m"),
)


async def test_each_dialect_has_its_own_address_name_of_the_model_and_headers() -> None:
    found = resolve(snapshot(endpoint("e", spoken=BOTH)), engines={}, credential=credential).routes["r"].targets[0]
    assert list(found.ways) == ["anthropic_messages", "openai_chat"]
    claude, chat = found.ways.values()
    assert (claude.base_url, claude.model, claude.authorizer) == ("https://a.example/v1", "m", None)
    assert claude.headers == ((b"x-api-key", b"secret"), (b"anthropic-version", b"2023-06-01"))
    assert (chat.base_url, chat.model) == ("https://o.example/v1", "x/m")
    assert await found.opening("openai_chat") == chat.headers == ((b"authorization", b"Bearer secret"),)


TOKENED = Spoken("gemini", "https://v.example", auth="google-oauth", headers={"x-fixed": "1"})


class Tokens:
    """Gives a token that names what it was opened with."""

    def __init__(self, scheme: str, reference: str) -> None:
        self.opened_with = f"{scheme} {reference}"

    async def headers(self, endpoint: str) -> tuple[tuple[bytes, bytes], ...]:
        return ((b"authorization", f"{self.opened_with} for {endpoint}".encode()),)


async def test_a_token_that_is_renewed_is_asked_for_at_each_call() -> None:
    whole = snapshot(endpoint("e", spoken=(TOKENED,)))
    found = resolve(whole, engines={}, credential=credential, authorizer=Tokens).routes["r"].targets[0]
    assert found.ways["gemini"].headers == ((b"x-fixed", b"1"),)
    assert found.ways["gemini"].authorizer is not None
    assert await found.opening("gemini") == (
        (b"x-fixed", b"1"),
        (b"authorization", b"google-oauth env:KEY for e"),
    )


def test_an_endpoint_whose_tokens_nobody_fetches_is_ruled_out() -> None:
    found = resolve(snapshot(endpoint("e", spoken=(TOKENED,))), engines={}, credential=credential).routes["r"]
    assert (found.targets, found.unusable[-1].reason) == (
        (),
        "its credential env:KEY needs google-oauth, which is not open here",
    )


SIGNED = Spoken("anthropic_messages", "https://a.example", auth="sigv4", headers={"x-fixed": "1"})


class Signatures:
    """Stands for what signs; it remembers what it was opened with."""

    def __init__(self, scheme: str, reference: str) -> None:
        self.opened_with = f"{scheme} {reference}"

    async def sign(self, endpoint: str, **request: object) -> tuple[tuple[bytes, bytes], ...]:
        raise NotImplementedError(f"{endpoint} {request}")


async def test_what_signs_requests_is_opened_by_the_credential_and_sends_nothing_of_it() -> None:
    whole = snapshot(endpoint("e", spoken=(SIGNED,)))
    (target,) = resolve(whole, engines={}, credential=credential, signer=Signatures).routes["r"].targets
    way = target.ways["anthropic_messages"]
    assert isinstance(way.signer, Signatures)
    assert (way.signer.opened_with, way.authorizer) == ("sigv4 env:KEY", None)
    assert await target.opening("anthropic_messages") == way.headers == ((b"x-fixed", b"1"),)


def test_an_endpoint_for_which_nobody_signs_is_ruled_out() -> None:
    found = resolve(snapshot(endpoint("e", spoken=(SIGNED,))), engines={}, credential=credential).routes["r"]
    assert (found.targets, found.unusable[-1].reason) == (
        (),
        "its credential env:KEY signs by sigv4, which is not open here",
    )


def test_a_snapshot_keeps_the_values_that_a_host_demands_byte_for_byte(tmp_path: Path) -> None:
    path = tmp_path / "current.json"
    demands = {"n": msgspec.Raw(b"1.50"), "o": msgspec.Raw(b'{"b":1,"a":2}')}
    whole = snapshot(endpoint("e", spoken=(Spoken("gemini", "https://v.example", demands=demands),)))
    publish(whole, path)
    assert load_snapshot(path).endpoints["e"].spoken[0].demands == demands
    assert publish(whole, path).version == 1, "the same is not written again"


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
        way = found.targets[0].ways["openai_chat"]
        assert (way.base_url, way.headers) == (
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
