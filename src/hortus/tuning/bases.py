"""May this folder be loaded as a model, and what is it? Nothing of it is loaded or run to find out.

Whoever loads a folder (trainers, engines) has it checked here first. Only safetensors and JSON are read.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path

import msgspec

from hortus.jobs.errors import StepError
from hortus.jobs.weightfiles import StoredTensor, code_asked_for, read_folder, unsafe
from hortus.tuning.cards import read_front_matter
from hortus.tuning.folders import CONFIG, TOKENIZER, ModelFolder, bad_file, read_table
from hortus.tuning.gguf.architectures import plan_of
from hortus.tuning.gguf.vocabulary import read_vocabulary
from hortus.tuning.identity import hash_bytes, hash_model, hash_tokenizer

RUNS_ON_LOAD = frozenset(
    {".bin", ".pt", ".pth", ".pkl", ".pickle", ".ckpt", ".joblib", ".dill", ".npy", ".npz", ".h5", ".hdf5", ".keras"}
    | {".pb", ".msgpack", ".onnx", ".tar", ".mar", ".nemo", ".llamafile"}
)
"""Weights in formats that can hold code, or whose readers have run it. They are never opened."""
CODE = (".py", ".pyc", ".pyo", ".pyd", ".so", ".dll", ".dylib", ".sh", ".ipynb", ".jar", ".exe")
_MOST_FILES = 10_000
_MOST_A_BYTE = 8
"""Parameters for each byte of weights: with two bits each there are four."""
_FLOATS = frozenset({"F64", "F32", "F16", "BF16", "F8_E4M3", "F8_E5M2"})


class BaseFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What a model's folder says of itself.

    Attributes:
        parameters: Numbers in its weights; a head that is tied to the embeddings counts once.
        dtype: That most of them have, such as `BF16`.
        bytes: Of its weights.
        context_tokens: Longest context, 0 where it does not say.
        hash: Of all files that change an answer; empty where it was not asked for.
        template_hash: Of the chat template, empty where there is none.
        engines: That can serve it.
        refusals: Why another engine cannot.
        ignored: Files that may hold code beside the safetensors ones; nobody opens them.
    """

    architecture: str
    model_type: str
    parameters: int
    dtype: str
    bytes: int
    context_tokens: int
    vocabulary: int
    hash: str
    tokenizer_hash: str
    template_hash: str
    licence: str | None
    licence_link: str | None
    base_model: str | None
    languages: tuple[str, ...]
    is_quantised: bool
    engines: tuple[str, ...]
    refusals: Mapping[str, str]
    ignored: tuple[str, ...]


def check_base(root: Path, *, hashed: bool = True) -> BaseFacts:
    """Check a base before it is tuned: a safe folder with a chat template.

    Args:
        hashed: Whether to read all weights for their hash, about a second for each gigabyte.

    Raises:
        StepError: It is unsafe (`unsafe_weights`) or no whole model (`bad_base`); the error names the file.
    """
    facts = check_folder(root, hashed=hashed)
    if not facts.template_hash:
        raise StepError(
            "has no chat template, so nobody can tell how its messages are written.",
            reason="no_chat_template",
            path=str(root),
            hint="Give the instruction-tuned model, or add the maker's chat_template.jinja.",
        )
    return facts


def check_folder(root: Path, *, hashed: bool = False) -> BaseFacts:
    """Check a folder before it is loaded by an engine.

    Raises:
        StepError: As `check_base`, but for the chat template.
    """
    ignored = _check_files(root)
    folder = ModelFolder(root)
    _check_tables(root)
    if not folder.architecture:
        raise bad_file("names no architecture.", root / CONFIG)
    tensors = read_folder(root)
    _check_claim(folder, sum(each.size for each in tensors.values()))
    if not (root / TOKENIZER).exists():
        raise bad_file("is missing; tokenizers in other files are not read.", root / TOKENIZER)
    card = read_front_matter(root)
    refusals = _refusals(folder)
    template = folder.template
    return BaseFacts(
        architecture=folder.architecture,
        model_type=str(folder.config.get("model_type", "")),
        parameters=_parameters(tensors, is_tied=bool(folder.config.get("tie_word_embeddings"))),
        dtype=_main_dtype(tensors),
        bytes=sum(each.size for each in tensors.values()),
        context_tokens=_whole(folder.config.get("max_position_embeddings")),
        vocabulary=folder.vocabulary,
        hash=hash_model(root) if hashed else "",
        tokenizer_hash=hash_tokenizer(root),
        template_hash="" if template is None else hash_bytes(template.encode()),
        licence=card.licence,
        licence_link=card.licence_link,
        base_model=card.base_model,
        languages=card.languages,
        is_quantised="quantization_config" in folder.config,
        engines=tuple(each for each in ("llamacpp", "transformers", "vllm") if each not in refusals),
        refusals=refusals,
        ignored=ignored,
    )


def _check_files(root: Path) -> tuple[str, ...]:
    """Refuse links that lead out, code, and weights that may hold code where nothing else is there."""
    if not root.is_dir():
        raise bad_file("is no folder.", root)
    paths = files_in(root)
    if len(paths) > _MOST_FILES:
        raise bad_file(f"holds more than {_MOST_FILES:,} files.", root)
    for path in paths:
        _check_path(path, root)
    doubtful = sorted(path for path in paths if path.suffix.lower() in RUNS_ON_LOAD)
    if doubtful and not any(root.glob("*.safetensors")):
        raise unsafe("may run code when it is loaded, and there are no safetensors weights beside it.", doubtful[0])
    return tuple(path.relative_to(root).as_posix() for path in doubtful)


def _check_path(path: Path, root: Path) -> None:
    if path.is_symlink() and not path.resolve().is_relative_to(root.resolve()):
        raise unsafe("is a link that leads out of the model's folder.", path)
    if not (path.is_file() or path.is_dir()):
        raise unsafe("is neither a file nor a folder.", path)
    if path.suffix.lower() in CODE:
        raise unsafe("is program code, which a model is never loaded with.", path)


def files_in(root: Path) -> list[Path]:
    """Return a folder's files and folders at any depth, and no more than one beyond how many a base may hold."""
    return list(islice(_walk(root), _MOST_FILES + 1))


def _walk(root: Path) -> Iterator[Path]:
    for folder, inner, files in os.walk(root, followlinks=False):
        for name in sorted([*inner, *files]):
            yield Path(folder, name)


def _check_tables(root: Path) -> None:
    """Refuse whatever asks for code of its own, at any depth of any JSON file."""
    for path in sorted(root.rglob("*.json")):
        if path.name == TOKENIZER:
            continue  # its words are data
        try:
            table = read_table(path)
        except StepError:
            if path.parent != root or path.name in {"vocab.json", "added_tokens.json"}:
                continue  # nobody reads it as an object
            raise
        asked = code_asked_for(table)
        if asked is not None:
            raise unsafe(f"asks for code of its own or of somebody else (`{asked}`).", path)


def _check_claim(folder: ModelFolder, stored_bytes: int) -> None:
    """Refuse a config that tells of a far larger model than the weights: what they lack would be made up in memory."""
    inner = folder.config.get("text_config")
    said = inner if isinstance(inner, Mapping) else folder.config
    width, layers = _whole(said.get("hidden_size")), _whole(said.get("num_hidden_layers"))
    widest = max(width, _whole(said.get("intermediate_size")))
    claimed = width * _whole(said.get("vocab_size")) + layers * width * widest
    if claimed > _MOST_A_BYTE * stored_bytes:
        raise bad_file(
            f"tells of a model of {claimed:,} parameters or more; the weights have {stored_bytes:,} bytes.",
            folder.root / CONFIG,
        )


def _refusals(folder: ModelFolder) -> dict[str, str]:
    try:
        plan_of(folder)
        read_vocabulary(folder)
    except StepError as error:
        return {"llamacpp": error.message}
    return {}


def _parameters(tensors: Mapping[str, StoredTensor], *, is_tied: bool) -> int:
    return sum(
        each.elements
        for name, each in tensors.items()
        if each.dtype in _FLOATS and not (is_tied and name == "lm_head.weight")
    )


def _main_dtype(tensors: Mapping[str, StoredTensor]) -> str:
    counted: Counter[str] = Counter()
    for each in tensors.values():
        counted[each.dtype] += each.elements
    return counted.most_common(1)[0][0] if counted else ""


def _whole(value: object) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else 0
