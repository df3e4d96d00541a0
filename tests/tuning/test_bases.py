"""Is a folder that could run code, or that lies, refused before anything of it is loaded?"""

from __future__ import annotations

import os
import pickle
import zipfile
from pathlib import Path

import msgspec
import pytest

from hortus.jobs.errors import StepError
from hortus.tuning.bases import RUNS_ON_LOAD, check_base, check_folder
from tiny_models import TEMPLATE, copy_of, edit, write_folder

WEIGHTS = "model.safetensors"


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> Path:
    return write_folder(tmp_path_factory.mktemp("base") / "model")


@pytest.fixture
def folder(whole: Path, tmp_path: Path) -> Path:
    return copy_of(whole, tmp_path / "model")


def refused(folder: Path, *, reason: str = "unsafe_weights") -> StepError:
    with pytest.raises(StepError) as caught:
        check_base(folder)
    assert caught.value.reason == reason
    return caught.value


class Payload:
    """What unpickling would run: it makes a file."""

    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> tuple[object, ...]:
        return os.mkdir, (str(self.target),)


def test_a_whole_folder_is_described(folder: Path) -> None:
    facts = check_base(folder)

    assert (facts.architecture, facts.dtype, facts.vocabulary, facts.context_tokens) == (
        "LlamaForCausalLM",
        "F16",
        512,
        512,
    )
    assert facts.bytes == facts.parameters * 2
    assert facts.engines == ("llamacpp", "transformers", "vllm")


def test_an_architecture_without_gguf_is_left_to_the_other_engines(folder: Path) -> None:
    edit(folder / "config.json", architectures=["PhiForCausalLM"])

    facts = check_base(folder)

    assert facts.engines == ("transformers", "vllm")
    assert "PhiForCausalLM" in facts.refusals["llamacpp"]


def test_licence_and_languages_come_from_the_card(folder: Path) -> None:
    (folder / "README.md").write_text(
        '---\nlicense: other\nlicense_name: "Community Licence"\nlanguage:\n- de\n- fr\ntags: [a, b]\n---\n# Card\n'
    )

    facts = check_base(folder)

    assert (facts.licence, facts.languages) == ("Community Licence", ("de", "fr"))


def test_a_folder_without_a_card_has_no_licence(folder: Path) -> None:
    assert check_base(folder).licence is None


@pytest.mark.parametrize("suffix", sorted(RUNS_ON_LOAD))
def test_weights_that_may_run_code_are_refused_unopened(suffix: str, folder: Path, tmp_path: Path) -> None:
    (folder / WEIGHTS).unlink()
    file = folder / f"pytorch_model{suffix}"
    file.write_bytes(pickle.dumps(Payload(tmp_path / "ran")))

    error = refused(folder)

    assert error.path == str(file)
    assert not (tmp_path / "ran").exists()


def test_the_payload_would_have_run(tmp_path: Path) -> None:
    pickle.loads(pickle.dumps(Payload(tmp_path / "ran")))  # noqa: S301 - our own: what the tests above are worth

    assert (tmp_path / "ran").exists()


def test_a_pickle_that_calls_itself_safetensors_is_refused_unread(folder: Path, tmp_path: Path) -> None:
    (folder / WEIGHTS).write_bytes(pickle.dumps(Payload(tmp_path / "ran")))

    refused(folder)

    assert not (tmp_path / "ran").exists()


def test_a_zip_that_calls_itself_safetensors_is_refused(folder: Path) -> None:
    with zipfile.ZipFile(folder / WEIGHTS, "w") as archive:
        archive.writestr("archive/data.pkl", b"cos\nsystem\n(S'true'\ntR.")

    refused(folder)


def test_a_zip_behind_whole_weights_is_refused(folder: Path) -> None:
    with zipfile.ZipFile(folder / WEIGHTS, "a") as archive:
        archive.writestr("archive/data.pkl", b"cos\nsystem\n(S'true'\ntR.")

    assert "bytes that belong to no tensor" in refused(folder).message


def test_pickles_beside_safetensors_are_named_and_never_opened(folder: Path, tmp_path: Path) -> None:
    (folder / "training_args.bin").write_bytes(pickle.dumps(Payload(tmp_path / "ran")))

    assert check_base(folder).ignored == ("training_args.bin",)
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("name", ["modeling_own.py", "sub/x.PY", "kernel.so", "run.sh", "__pycache__/a.pyc"])
def test_program_code_is_refused(name: str, folder: Path) -> None:
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).write_text("raise SystemExit\n")

    assert refused(folder).path == str(folder / name)


ASKING = {
    "auto_map": {"auto_map": {"AutoModelForCausalLM": "modeling_own.Own"}},
    "auto_map from another repository": {"auto_map": {"AutoConfig": "someone/else--own.Own"}},
    "deep": {"text_config": {"inner": [{"auto_map": {"AutoModel": "x.Y"}}]}},
    "trust": {"trust_remote_code": True},
    "own generation": {"custom_generate": "someone/else"},
    "a kernel": {"attn_implementation": "someone/kernel"},
    "an internal kernel": {"_attn_implementation": "someone/kernel:attention"},
}


@pytest.mark.parametrize(
    "file", ["config.json", "tokenizer_config.json", "generation_config.json", "processor_config.json"]
)
@pytest.mark.parametrize("case", ASKING)
def test_whoever_asks_for_code_is_refused(case: str, file: str, folder: Path) -> None:
    if not (folder / file).exists():
        (folder / file).write_bytes(b"{}")
    edit(folder / file, **ASKING[case])

    assert refused(folder).path == str(folder / file)


def test_words_of_the_tokenizer_are_no_requests(folder: Path) -> None:
    table = msgspec.json.decode((folder / "tokenizer.json").read_bytes(), type=dict)
    table["model"]["vocab"]["auto_map"] = 511
    (folder / "tokenizer.json").write_bytes(msgspec.json.encode(table))

    assert check_base(folder).vocabulary == 512


def test_a_config_that_nests_without_end_is_refused(folder: Path) -> None:
    (folder / "config.json").write_bytes(b'{"x":' * 100_000)

    refused(folder, reason="bad_base")


@pytest.mark.parametrize("name", [WEIGHTS, "config.json", "notes"])
def test_a_link_that_leads_out_is_refused(name: str, folder: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    if (folder / name).exists():
        (folder / name).rename(outside)
    else:
        outside.mkdir()
    (folder / name).symlink_to(outside)

    assert refused(folder).path == str(folder / name)


def test_a_link_within_the_folder_is_followed(folder: Path) -> None:
    (folder / WEIGHTS).rename(folder / "blob")
    (folder / WEIGHTS).symlink_to("blob")

    assert check_base(folder).parameters > 0


def test_a_pipe_is_refused_instead_of_waited_for(folder: Path) -> None:
    os.mkfifo(folder / "chat_template.json")

    refused(folder)


def test_a_base_without_a_chat_template_is_refused(folder: Path) -> None:
    (folder / "chat_template.jinja").unlink()

    refused(folder, reason="no_chat_template")
    assert not check_folder(folder).template_hash


def test_a_template_in_the_tokenizers_config_counts(folder: Path) -> None:
    beside = check_base(folder).template_hash
    (folder / "chat_template.jinja").unlink()
    edit(folder / "tokenizer_config.json", chat_template=[{"name": "default", "template": TEMPLATE}])

    assert check_base(folder).template_hash == beside


@pytest.mark.parametrize("name", ["config.json", "tokenizer.json"])
@pytest.mark.parametrize("data", [None, b"", b"[]", b"{", b"\xff"])
def test_a_missing_or_broken_file_is_named(name: str, data: bytes | None, folder: Path) -> None:
    (folder / name).unlink()
    if data is not None:
        (folder / name).write_bytes(data)

    assert refused(folder, reason="bad_base").path == str(folder / name)


def test_what_is_no_folder_is_refused(tmp_path: Path) -> None:
    refused(tmp_path / "nowhere", reason="bad_base")


@pytest.mark.parametrize("value", [0, -1, "512", True, 1.5])
def test_a_vocabulary_that_is_none_is_refused(value: object, folder: Path) -> None:
    edit(folder / "config.json", vocab_size=value)

    refused(folder, reason="bad_base")


@pytest.mark.parametrize("member", ["num_hidden_layers", "hidden_size", "vocab_size", "intermediate_size"])
def test_a_config_that_tells_of_a_far_larger_model_is_refused(member: str, folder: Path) -> None:
    edit(folder / "config.json", **{member: 50_000_000})
    assert Path(refused(folder, reason="bad_base").path or "").name == "config.json"
