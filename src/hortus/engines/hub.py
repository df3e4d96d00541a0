"""Which file does a person mean by a model's source, and what does a Hugging Face hub have under that name?

Asks only for lists; `fetch.py` brings the files. Paths: https://huggingface.co/docs/hub/api, read 2026-11.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Protocol
from urllib.parse import quote

import msgspec

from hortus.engines.errors import FetchError, ModelFileError
from hortus.engines.sources import SEEDLING


class HubAnswer(Protocol):
    """An answer whose body is still to come; `hortus.transport` gives such ones."""

    @property
    def status(self) -> int:
        """The HTTP status."""
        ...

    @property
    def headers(self) -> Sequence[tuple[bytes, bytes]]:
        """Names in lower case, and values."""
        ...

    def body(self) -> AsyncIterator[bytes]:
        """Yield the body as it arrives."""
        ...

    async def read(self, limit_bytes: int) -> bytes:
        """Return the whole body."""
        ...


class HubClient(Protocol):
    """The port to the network; `hortus.transport.client.Client` is one."""

    def open(
        self, url: str, method: str = "GET", *, headers: Mapping[str, str] | None = None
    ) -> AbstractAsyncContextManager[HubAnswer]:
        """Send a request."""
        ...


class LocalFile(msgspec.Struct, frozen=True):
    """A file of this machine."""

    path: Path


class Embedded(msgspec.Struct, frozen=True):
    """The model that ships in the package."""


class HubModel(msgspec.Struct, frozen=True):
    """A repository on a hub.

    Attributes:
        file: A file's name, or a quantisation such as `Q8_0`; None leaves the choice to `choose_file`.
    """

    repository: str
    file: str | None = None
    revision: str = "main"


Source = LocalFile | Embedded | HubModel

_REPOSITORY = re.compile(
    r"(?P<repository>[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9][\w.-]{0,95})(?:@(?P<revision>[\w./-]{1,100}))?(?::(?P<file>[^:]{1,255}))?"
)

_LIST_BYTES = 16 * 1024 * 1024


def parse_source(text: str, *, directory: Path) -> Source:
    """Read what a person wrote: a path, `owner/name[@revision][:file.gguf]`, or `seedling`.

    Args:
        text: The source.
        directory: What relative paths start from.

    Raises:
        ModelFileError: It is none of these.
    """
    if text == SEEDLING:
        return Embedded()
    path = directory / Path(text).expanduser()
    is_path = text.startswith(("/", ".", "~")) or (text.lower().endswith(".gguf") and ":" not in text)
    if is_path or path.exists():
        return LocalFile(path.resolve())
    match = _REPOSITORY.fullmatch(text)
    if match is None:
        raise ModelFileError(
            f"{text!r} is neither a file here nor a repository.",
            hint="Give a path to a .gguf file, `owner/name` or `owner/name:file.gguf` of Hugging Face, or `seedling`.",
        )
    return HubModel(match["repository"], file=match["file"], revision=match["revision"] or "main")


class RemoteFile(msgspec.Struct, frozen=True):
    """One file of a repository. `sha256` is None where the hub does not say."""

    name: str
    size: int
    sha256: str | None = None


class Listing(msgspec.Struct, frozen=True):
    """A repository at one commit."""

    commit: str
    files: tuple[RemoteFile, ...]


class _Lfs(msgspec.Struct, frozen=True):
    sha256: str | None = None
    size: int | None = None


class _Sibling(msgspec.Struct, frozen=True):
    rfilename: str
    size: int | None = None
    lfs: _Lfs | None = None


class _ModelInfo(msgspec.Struct, frozen=True):
    sha: str
    siblings: tuple[_Sibling, ...] = ()


async def list_files(client: HubClient, model: HubModel, *, hub_url: str, token: str | None) -> Listing:
    """Ask the hub for the files of a repository, with sizes and digests.

    Raises:
        FetchError: The hub refuses or answers something else. Faults of the connection pass as they are.
    """
    revision = quote(model.revision, safe="")
    url = f"{hub_url.rstrip('/')}/api/models/{model.repository}/revision/{revision}?blobs=true"
    async with client.open(url, headers=authorization(token)) as answer:
        if answer.status != 200:  # noqa: PLR2004 - OK
            raise refusal(answer.status, model, hub_url=hub_url)
        body = await answer.read(_LIST_BYTES)
    try:
        info = msgspec.json.decode(body, type=_ModelInfo)
    except msgspec.DecodeError as error:
        raise FetchError(
            "the hub's answer is not a list of files.", path=url, hint="Check the setting hub_url."
        ) from error
    return Listing(
        commit=info.sha,
        files=tuple(
            RemoteFile(
                name=each.rfilename,
                size=(each.lfs.size if each.lfs else None) or each.size or 0,
                sha256=each.lfs.sha256 if each.lfs else None,
            )
            for each in info.siblings
        ),
    )


def authorization(token: str | None) -> dict[str, str]:
    """Return the header that carries a token."""
    return {"authorization": f"Bearer {token}"} if token else {}


_REFUSALS = {
    401: (
        "does not exist, or is private or gated",
        "Check the name; for a gated one, accept its terms on the hub and set HF_TOKEN.",
    ),
    403: ("is gated and this token may not read it", "Accept its terms on the hub with the account of HF_TOKEN."),
    404: ("or its revision or file does not exist", "Check the spelling of owner/name@revision:file."),
    429: ("cannot be read now: the hub limits requests", "Try again in some minutes, or set HF_TOKEN."),
}


def refusal(status: int, model: HubModel, *, hub_url: str) -> FetchError:
    """Return what an error status of the hub means for a person."""
    what, hint = _REFUSALS.get(status, (f"cannot be read: the hub answered {status}", "Try again later."))
    return FetchError(f"the repository {model.repository} {what}.", path=f"{hub_url}/{model.repository}", hint=hint)


PREFERRED = ("Q4_K_M", "Q4_K_S", "Q5_K_M", "Q4_0", "IQ4_XS", "IQ4_NL", "Q5_K_S", "Q6_K", "Q8_0", "F16", "BF16", "F32")
"""Four bits with the K mixture keep most of the quality at a third of the memory; then what comes nearest."""

_PART = re.compile(r"-\d{5}-of-\d{5}\.gguf$", re.IGNORECASE)


def choose_file(listing: Listing, model: HubModel) -> RemoteFile:
    """Return the file to fetch: the one that was named, else the preferred quantisation, else the smallest.

    Raises:
        FetchError: There is none; the message lists what there is.
    """
    weights = [file for file in listing.files if file.name.lower().endswith(".gguf") and not _is_beside(file.name)]
    whole = [file for file in weights if not _PART.search(file.name)]
    chosen = _preferred(whole) if model.file is None else _named(whole, model.file)
    if chosen is None:
        raise FetchError(
            _absence(whole, weights, listing.files, wished=model.file),
            path=model.repository,
            hint=_choices(whole) or "Look for a repository whose name ends in -GGUF.",
        )
    return chosen


def _named(files: Sequence[RemoteFile], wished: str) -> RemoteFile | None:
    """Return the one file with this name or quantisation; several are as good as none."""
    named = [file for file in files if wished in {file.name, file.name.rsplit("/", 1)[-1]}]
    named = named or [file for file in files if _has_quantisation(file.name, wished)]
    return named[0] if len(named) == 1 else None


def _preferred(files: Sequence[RemoteFile]) -> RemoteFile | None:
    ranked = (file for wish in PREFERRED for file in files if _has_quantisation(file.name, wish))
    return next(ranked, None) or min(files, key=lambda file: file.size, default=None)


def _is_beside(name: str) -> bool:
    """Tell whether a file only accompanies a model: projectors of images, importance matrices, adapters."""
    stem = name.rsplit("/", 1)[-1].lower()
    return stem.startswith(("mmproj", "imatrix")) or "lora" in stem


def _has_quantisation(name: str, wish: str) -> bool:
    return re.search(rf"(?<![a-z0-9]){re.escape(wish)}(?![a-z0-9_])", name, re.IGNORECASE) is not None


def _absence(
    whole: Sequence[RemoteFile], weights: Sequence[RemoteFile], files: Sequence[RemoteFile], *, wished: str | None
) -> str:
    if whole:
        return f"the repository has no single GGUF file {wished!r}."
    if weights:
        return "the repository has GGUF models in several parts only, which are not supported yet."
    if any(file.name.endswith(".safetensors") for file in files):
        return "the repository has safetensors, but no GGUF file, which the engine llama.cpp needs."
    return "the repository has no GGUF file; formats that can run code when they are loaded are refused."


def _choices(whole: Sequence[RemoteFile], *, most: int = 12) -> str:
    names = ", ".join(sorted(file.name for file in whole)[:most])
    return f"It has: {names}{' …' if len(whole) > most else ''}." if names else ""
