"""What exactly was a product made of? Hashes that are the same wherever, and in whatever folder, the content is.

No torch: versions are read from what is installed, hardware from the system's own files.
"""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Iterable, Mapping
from importlib import metadata
from pathlib import Path

import msgspec

import hortus
from hortus.jobs.spec import JobSpec
from hortus.jobs.weightfiles import INDEX, weight_files
from hortus.tuning.folders import SMALL_FILES, ModelFolder, bad_file

PACKAGES = ("torch", "transformers", "trl", "peft", "accelerate", "tokenizers", "safetensors", "gguf", "numpy")
_CHUNK_BYTES = 1 << 20
_VOLATILE = ("truncation", "padding")
"""Members of `tokenizer.json` that whoever used it last has left there."""

NONE = ""
"""In place of a hash where there is nothing: a model from scratch has no base."""


class Environment(msgspec.Struct, frozen=True):
    """What it was made on.

    Attributes:
        processor: Its model's name.
        gpus: Names of those that were used.
        threads: Of the processor, that were used.
    """

    python: str
    system: str
    packages: Mapping[str, str]
    processor: str
    threads: int
    gpus: tuple[str, ...] = ()


class Identity(msgspec.Struct, frozen=True, kw_only=True):
    """Hashes (SHA-256) of everything that a product was made of.

    Attributes:
        base: Of its config, tokenizer, template and weights; empty from scratch.
        recipe: Of method and recipe.
        code: Of Hortus' version and the source of its trainers.
        inputs: Of all of the above: equal for equal trainings on any machine.
        total: Of the inputs and the environment: equal where the product must be equal to the bit.
    """

    base: str
    dataset: str
    tokenizer: str
    chat_template: str
    recipe: str
    code: str
    hortus: str
    seed: int
    environment: Environment
    inputs: str
    total: str


def hash_bytes(data: bytes) -> str:
    """Return the SHA-256 of bytes."""
    return hashlib.sha256(data).hexdigest()


def hash_value(value: object) -> str:
    """Return the SHA-256 of a value as JSON with sorted members."""
    return hash_bytes(msgspec.json.encode(value, order="sorted"))


def hash_file(path: Path) -> str:
    """Return the SHA-256 of a file.

    Raises:
        OSError: It cannot be read.
    """
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()


def hash_files(files: Iterable[Path], *, root: Path) -> str:
    """Return the SHA-256 of files and their names, in the order of their names below `root`."""
    named = sorted((path.relative_to(root).as_posix(), path) for path in files)
    return hash_value([(name, hash_file(path)) for name, path in named])


def hash_model(folder: Path) -> str:
    """Return the hash of a model: of all its files that change an answer, and of no other.

    Raises:
        StepError: It has no safetensors weights.
    """
    small = [folder / name for name in (*SMALL_FILES, INDEX) if (folder / name).exists()]
    return hash_files([*small, *weight_files(folder)], root=folder)


def hash_tokenizer(folder: Path) -> str:
    """Return the hash of what `tokenizer.json` says, however it is written.

    Raises:
        StepError: It cannot be read.
    """
    table = ModelFolder(folder).tokenizer
    return hash_value({key: value for key, value in table.items() if key not in _VOLATILE})


def hash_template(folder: Path) -> str:
    """Return the hash of the chat template's text.

    Raises:
        StepError: There is none.
    """
    template = ModelFolder(folder).template
    if template is None:
        raise bad_file("has no chat template.", folder)
    return hash_bytes(template.encode())


def hash_recipe(job: JobSpec) -> str:
    """Return the hash of method and recipe; names, and what people say of the product, are none of them."""
    return hash_value({"method": job.method, "recipe": job.recipe})


def hash_code() -> str:
    """Return the hash of this version's trainers: every source file of `hortus.tuning`."""
    root = Path(__file__).parent
    return hash_value([hortus.__version__, hash_files(root.rglob("*.py"), root=root)])


def look_around(*, threads: int, gpus: tuple[str, ...] = ()) -> Environment:
    """Return the environment of this process."""
    return Environment(
        python=platform.python_version(),
        system=f"{platform.system()} {platform.machine()}",
        packages=dict(_versions()),
        processor=_processor(),
        threads=threads,
        gpus=gpus,
    )


def _versions() -> Iterable[tuple[str, str]]:
    for name in PACKAGES:
        try:
            yield name, metadata.version(name)
        except metadata.PackageNotFoundError:
            continue


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, platform.processor() or platform.machine())


def identify(job: JobSpec, model: Path, *, base: Path | None, dataset: str, environment: Environment) -> Identity:
    """Return a product's identity.

    Args:
        model: The product's own folder, whose tokenizer and chat template count.
        base: Folder of the base; None from scratch.
        dataset: The dataset's hash.

    Raises:
        StepError: A folder is no whole model.
    """
    parts = {
        "base": hash_model(base) if base else NONE,
        "dataset": dataset,
        "tokenizer": hash_tokenizer(model),
        "chat_template": hash_template(model),
        "recipe": hash_recipe(job),
        "code": hash_code(),
    }
    inputs = hash_value([parts, job.recipe.seed])
    return Identity(
        **parts,
        hortus=hortus.__version__,
        seed=job.recipe.seed,
        environment=environment,
        inputs=inputs,
        total=hash_value([inputs, environment]),
    )
