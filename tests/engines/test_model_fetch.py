"""From what a person writes to a checked file: sources, the choice of a file, downloads with faults."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from fake_hub import COMMIT, FakeHub

from hortus.canon.errors import HostUnavailable
from hortus.engines.errors import FetchError, ModelFileError
from hortus.engines.fetch import DOWNLOAD_TIMEOUTS, Hub, fetch_model
from hortus.engines.hub import Embedded, HubModel, Listing, LocalFile, RemoteFile, choose_file, parse_source
from hortus.transport.client import Client

MODEL = HubModel("maker/model")


@pytest.fixture
def content(tiny_model: Path) -> bytes:
    return tiny_model.read_bytes()


async def _fetch(hub: FakeHub, models: Path, *, model: HubModel = MODEL, token: str | None = None) -> Path:
    async with Client(timeouts=DOWNLOAD_TIMEOUTS, may_be_private=True) as client:
        return Path(await fetch_model(model, client, hub=Hub(hub.url, token=token), models=models))


def _files_in(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def _content_of(path: Path) -> bytes:
    return path.read_bytes()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("seedling", Embedded()),
        ("Qwen/Qwen3-8B-GGUF", HubModel("Qwen/Qwen3-8B-GGUF")),
        ("a/b:b-Q8_0.gguf", HubModel("a/b", file="b-Q8_0.gguf")),
        ("a/b@v1.2:sub/b.gguf", HubModel("a/b", file="sub/b.gguf", revision="v1.2")),
        ("/models/a.gguf", LocalFile(Path("/models/a.gguf"))),
    ],
)
def test_reads_what_a_person_means(text: str, expected: object, tmp_path: Path) -> None:
    assert parse_source(text, directory=tmp_path) == expected


def test_a_file_that_is_here_wins_over_a_repository(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "b").write_bytes(b"")
    assert parse_source("a/b", directory=tmp_path) == LocalFile(tmp_path / "a" / "b")
    assert parse_source("x/y.gguf", directory=tmp_path) == LocalFile(tmp_path / "x" / "y.gguf")


@pytest.mark.parametrize("text", ["", "mistral", "https://huggingface.co/a/b", "a/b/c", "a/..", "a b/c"])
def test_anything_else_is_refused_with_the_three_ways(text: str, tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match="Give a path to a"):
        parse_source(text or "?", directory=tmp_path / "nowhere")


def _listing(*names: str) -> Listing:
    return Listing(COMMIT, tuple(RemoteFile(name, size=len(names) - place) for place, name in enumerate(names)))


@pytest.mark.parametrize(
    ("names", "wished", "chosen"),
    [
        (["m-Q8_0.gguf", "m-Q4_K_M.gguf", "m-F16.gguf"], None, "m-Q4_K_M.gguf"),
        (["m-IQ2_XS.gguf", "m-Q2_K.gguf"], None, "m-Q2_K.gguf"),
        (["m.gguf", "mmproj-F16.gguf", "m-lora-f16.gguf"], None, "m.gguf"),
        (["m-Q4_K_M-00001-of-00002.gguf", "m-Q2_K.gguf"], None, "m-Q2_K.gguf"),
        (["m-Q8_0.gguf", "m-Q4_K_M.gguf"], "m-Q8_0.gguf", "m-Q8_0.gguf"),
        (["sub/m-Q8_0.gguf", "m-Q4_K_M.gguf"], "q8_0", "sub/m-Q8_0.gguf"),
    ],
)
def test_chooses_one_file(names: list[str], wished: str | None, chosen: str) -> None:
    assert choose_file(_listing(*names), msgspec.structs.replace(MODEL, file=wished)).name == chosen


@pytest.mark.parametrize(
    ("names", "wished", "words"),
    [
        (["model.safetensors"], None, "has safetensors, but no GGUF"),
        (["pytorch_model.bin"], None, "can run code"),
        (["m-00001-of-00002.gguf"], None, "in several parts only"),
        (["m-Q8_0.gguf"], "Q4_0", "It has: m-Q8_0.gguf"),
        (["a-Q8_0.gguf", "b-Q8_0.gguf"], "Q8_0", "It has: a-Q8_0.gguf, b-Q8_0.gguf"),
    ],
)
def test_says_what_there_is_when_there_is_nothing_to_choose(names: list[str], wished: str | None, words: str) -> None:
    with pytest.raises(FetchError, match=words):
        choose_file(_listing(*names), msgspec.structs.replace(MODEL, file=wished))


async def test_fetches_a_model_once_and_reports_progress(content: bytes, tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    async with FakeHub({"m-Q4_K_M.gguf": content, "README.md": b"x"}) as hub:
        async with Client(timeouts=DOWNLOAD_TIMEOUTS, may_be_private=True) as client:
            path = await fetch_model(
                MODEL, client, hub=Hub(hub.url), models=tmp_path, on_progress=lambda *now: seen.append(now)
            )
        assert await _fetch(hub, tmp_path) == Path(path)
        assert len(hub.stored) == 1
    assert _content_of(Path(path)) == content
    assert Path(path).relative_to(tmp_path).parts == (f"maker--model@{COMMIT[:12]}", "m-Q4_K_M.gguf")
    assert seen[-1] == (len(content), len(content))
    assert seen == sorted(seen)


async def test_goes_on_where_a_cut_download_stopped(content: bytes, tmp_path: Path) -> None:
    async with FakeHub({"m.gguf": content}) as hub:
        hub.cuts = [50_000, 70_000]
        path = await _fetch(hub, tmp_path)
        assert [one.headers.get("range") for one in hub.stored] == [None, "bytes=50000-", "bytes=120000-"]
    assert path.read_bytes() == content


async def test_goes_on_in_a_later_run(content: bytes, tmp_path: Path) -> None:
    async with FakeHub({"m.gguf": content}) as hub:
        part = tmp_path / f"maker--model@{COMMIT[:12]}" / "m.gguf.part"
        part.parent.mkdir()
        part.write_bytes(content[:1000])
        path = await _fetch(hub, tmp_path)
        assert hub.stored[0].headers["range"] == "bytes=1000-"
    assert path.read_bytes() == content
    assert not part.exists()


async def test_a_host_without_ranges_is_read_again_from_its_start(content: bytes, tmp_path: Path) -> None:
    async with FakeHub({"m.gguf": content}) as hub:
        hub.knows_ranges, hub.cuts = False, [50_000]
        assert (await _fetch(hub, tmp_path)).read_bytes() == content


async def test_a_file_with_another_digest_is_removed(content: bytes, tmp_path: Path) -> None:
    async with FakeHub({"m.gguf": content}) as hub:
        hub.digests["m.gguf"] = "0" * 64
        with pytest.raises(FetchError, match="SHA-256"):
            await _fetch(hub, tmp_path)
    assert _files_in(tmp_path) == []


async def test_a_file_of_another_length_is_removed(content: bytes, tmp_path: Path) -> None:
    async with FakeHub({"m.gguf": content}) as hub:
        hub.listed_sizes["m.gguf"] = len(content) - 1
        with pytest.raises(FetchError, match="another number of bytes"):
            await _fetch(hub, tmp_path)
    assert _files_in(tmp_path) == []


async def test_a_file_that_is_no_model_is_removed(tmp_path: Path) -> None:
    async with FakeHub({"m.gguf": b"\x80\x04 a pickle in disguise"}) as hub:
        with pytest.raises(ModelFileError, match="a pickle file"):
            await _fetch(hub, tmp_path)
    assert _files_in(tmp_path) == []


async def test_a_token_goes_to_the_hub_and_never_to_where_it_leads(content: bytes, tmp_path: Path) -> None:
    async with FakeHub({"m.gguf": content}, token="hf_secret") as hub:
        await _fetch(hub, tmp_path, token="hf_secret")
        assert all(one.headers["authorization"] == "bearer hf_secret" for one in hub.asked)
        assert all("authorization" not in one.headers for one in hub.stored)
        assert "hf_secret" not in repr(Hub(hub.url, token="hf_secret"))


async def test_a_gated_repository_says_what_to_do(content: bytes, tmp_path: Path) -> None:
    async with FakeHub({"m.gguf": content}, token="hf_secret") as hub:
        with pytest.raises(FetchError, match=r"private or gated.*set HF_TOKEN"):
            await _fetch(hub, tmp_path)


async def test_an_unknown_repository_says_so(content: bytes, tmp_path: Path) -> None:
    async with FakeHub({"m.gguf": content}) as hub:
        with pytest.raises(FetchError, match="does not exist"):
            await _fetch(hub, tmp_path, model=HubModel("maker/other"))


async def test_a_circle_of_redirects_ends(content: bytes, tmp_path: Path) -> None:
    async with FakeHub({"m.gguf": content}) as hub:
        hub.redirect = f"{hub.url}/maker/model/resolve/{COMMIT}/m.gguf"
        with pytest.raises(FetchError, match="in a circle"):
            await _fetch(hub, tmp_path)


async def test_an_unreachable_hub_is_named(tmp_path: Path) -> None:
    async with FakeHub({}) as hub:
        pass
    with pytest.raises(HostUnavailable):
        await _fetch(hub, tmp_path)


async def test_a_local_file_is_looked_into_and_the_seedling_taken_as_it_is(tiny_model: Path, tmp_path: Path) -> None:
    async with Client(may_be_private=True) as client:
        hub = Hub("http://127.0.0.1:1")
        assert await fetch_model(Embedded(), client, hub=hub, models=tmp_path) == "seedling"
        assert await fetch_model(LocalFile(tiny_model), client, hub=hub, models=tmp_path) == str(tiny_model)
        with pytest.raises(ModelFileError):
            await fetch_model(LocalFile(tmp_path / "none.gguf"), client, hub=hub, models=tmp_path)
