"""Is everything refused, with its reason, that llama.cpp would answer otherwise than transformers?"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from peft import LoraConfig, get_peft_model
from safetensors.torch import load_file, save_file

from hortus.jobs.errors import StepError
from hortus.tuning.folders import ModelFolder
from hortus.tuning.gguf.adapters import write_adapter
from hortus.tuning.gguf.architectures import plan_of
from hortus.tuning.gguf.models import write_model
from hortus.tuning.gguf.vocabulary import NOT_NORMALISED, read_vocabulary
from tiny_models import GEMMA, ROPE_OF_LLAMA_3, copy_of, edit, random_model, write_folder

pytestmark = pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing`:FutureWarning")  # peft asks for it


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> Path:
    return write_folder(tmp_path_factory.mktemp("base") / "model", split="qwen2", tie_word_embeddings=False)


@pytest.fixture
def folder(whole: Path, tmp_path: Path) -> Path:
    return copy_of(whole, tmp_path / "model")


CONFIGS = {
    "another architecture": ({"architectures": ["PhiForCausalLM"]}, "architecture 'PhiForCausalLM'"),
    "no architecture": ({"architectures": None}, "architecture 'none'"),
    "another activation": ({"hidden_act": "gelu"}, "hidden_act"),
    "biases": ({"attention_bias": True}, "attention_bias"),
    "quantised weights": ({"quantization_config": {"quant_method": "gptq"}}, "quantised"),
    "a stretched context": ({"rope_parameters": {"rope_type": "yarn", "rope_theta": 1e4, "factor": 2}}, "'yarn'"),
    "half turned heads": ({"rope_parameters": {"rope_theta": 1e4, "partial_rotary_factor": 0.5}}, "part of each head"),
    "no rope base": ({"rope_parameters": None}, "rope_theta"),
    "more layers than there are": ({"num_hidden_layers": 3}, "lacks tensors, such as"),
    "layers without end": ({"num_hidden_layers": 2_000_000_000}, "lacks tensors"),
    "tokens without end": ({"vocab_size": 2_000_000_000}, "which no model has"),
    "a list for a word": ({"hidden_act": ["silu"]}, "hidden_act"),
    "a base beyond 32 bits": ({"rope_parameters": {"rope_theta": 1e39}}, "no usable number"),
    "fewer layers than there are": ({"num_hidden_layers": 1}, "which LlamaForCausalLM has not"),
    "other embeddings": ({"vocab_size": 600}, "embeddings of 512 tokens"),
    "too few embeddings": ({"vocab_size": 300}, "for which there is no row"),
}


@pytest.mark.parametrize("case", CONFIGS)
def test_a_config_that_is_not_carried_is_refused(case: str, folder: Path, tmp_path: Path) -> None:
    changes, said = CONFIGS[case]
    edit(folder / "config.json", **changes)

    with pytest.raises(StepError, match=said) as caught:
        write_model(folder, tmp_path / "model.gguf", name="tiny")

    assert (caught.value.reason, (tmp_path / "model.gguf").exists()) == ("no_gguf", False)


GEMMAS = {
    "another scale": ("Gemma3ForCausalLM", {"query_pre_attn_scalar": 32}, "query_pre_attn_scalar = 32"),
    "windows anywhere": ("Gemma2ForCausalLM", {"layer_types": ["full_attention", "sliding_attention"]}, "layer_types"),
    "a head apart": ("Gemma2ForCausalLM", {"tie_word_embeddings": False}, "a head apart"),
    "both directions": ("Gemma3ForCausalLM", {"use_bidirectional_attention": True}, "both directions"),
    "no caps": ("Gemma2ForCausalLM", {"attn_logit_softcapping": None}, "attn_logit_softcapping"),
    "caps": ("Gemma3ForCausalLM", {"final_logit_softcapping": 30.0}, "final_logit_softcapping"),
    "no activation": ("Gemma3ForCausalLM", {"hidden_activation": None}, "hidden_activation"),
    "another activation": ("Gemma2ForCausalLM", {"hidden_activation": "gelu"}, "hidden_activation"),
    "llama's stretches": ("Gemma2ForCausalLM", {"rope_parameters": ROPE_OF_LLAMA_3}, "'llama3'"),
    "no base of windows": (
        "Gemma3ForCausalLM",
        {"rope_parameters": {"full_attention": {"rope_theta": 1e6}}},
        "layers with a window",
    ),
}


@pytest.mark.parametrize("case", GEMMAS)
def test_a_gemma_that_llama_cpp_would_compute_otherwise_is_refused(case: str, tmp_path: Path) -> None:
    architecture, changes, said = GEMMAS[case]
    folder = write_folder(tmp_path / "model", architecture=architecture, **GEMMA)
    edit(folder / "config.json", **changes)

    with pytest.raises(StepError, match=said) as caught:
        plan_of(ModelFolder(folder))

    assert caught.value.reason == "no_gguf"


def test_a_gemma_as_older_configs_say_it_is_read_the_same(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "model", architecture="Gemma3ForCausalLM", **GEMMA)
    new = plan_of(ModelFolder(folder))
    older = {"rope_theta": 1e6, "rope_local_base_freq": 1e4, "sliding_window_pattern": 6}
    edit(folder / "config.json", rope_parameters=None, layer_types=None, tie_word_embeddings=None, **older)

    assert plan_of(ModelFolder(folder)) == new


def test_the_refusal_names_the_engine_that_serves_it(folder: Path) -> None:
    edit(folder / "config.json", architectures=["PhiForCausalLM"])

    with pytest.raises(StepError, match="transformers engine"):
        plan_of(ModelFolder(folder))


TOKENIZERS: dict[str, tuple[Callable[[dict], object], str]] = {
    "another kind": (lambda t: t["model"].update(type="Unigram"), "kind 'Unigram'"),
    "byte fallback": (lambda t: t["model"].update(byte_fallback=True), "changes or splits"),
    "prefixes": (lambda t: t["model"].update(continuing_subword_prefix="##"), "prefixes"),
    "no merges": (lambda t: t["model"].pop("merges"), "cannot be read"),
    "a merge with a space": (lambda t: t["model"]["merges"].append(["a b", "c"]), "holds a space"),
    "an unknown split": (lambda t: t.update(pre_tokenizer={"type": "Whitespace"}), "splits texts"),
    "a normaliser": (lambda t: t.update(normalizer={"type": "Lowercase"}), "changes texts"),
    "greedy added tokens": (lambda t: t["added_tokens"][0].update(lstrip=True), "swallows"),
    "a token twice": (lambda t: t["added_tokens"][0].update(content="!"), "two ids"),
    "an id below 0": (lambda t: t["model"]["vocab"].update(zzz=-1), "token id -1"),
}


@pytest.mark.parametrize("case", TOKENIZERS)
def test_a_tokenizer_that_cannot_be_told_for_certain_is_refused(case: str, folder: Path) -> None:
    spoil, said = TOKENIZERS[case]
    table = msgspec.json.decode((folder / "tokenizer.json").read_bytes(), type=dict)
    spoil(table)
    (folder / "tokenizer.json").write_bytes(msgspec.json.encode(table))

    with pytest.raises(StepError, match=said):
        read_vocabulary(ModelFolder(folder))


def test_a_model_that_never_ends_is_refused(folder: Path) -> None:
    (folder / "generation_config.json").unlink()
    edit(folder / "config.json", eos_token_id=None)
    edit(folder / "tokenizer_config.json", eos_token=None)

    with pytest.raises(StepError, match="ends an answer"):
        read_vocabulary(ModelFolder(folder))


def test_special_tokens_are_found_where_older_folders_name_them(folder: Path) -> None:
    edit(folder / "tokenizer_config.json", bos_token=None, pad_token=None)
    (folder / "special_tokens_map.json").write_bytes(msgspec.json.encode({"bos_token": {"content": "<|bos|>"}}))

    found = read_vocabulary(ModelFolder(folder))

    assert (found.bos, found.pad) == (1, None)


def test_all_ends_of_an_answer_are_carried(folder: Path) -> None:
    edit(folder / "generation_config.json", eos_token_id=[4, 2])

    assert read_vocabulary(ModelFolder(folder)).ends == (2, 4)


def test_what_llama_cpp_does_not_normalise_is_told(folder: Path) -> None:
    assert read_vocabulary(ModelFolder(folder)).limits == (NOT_NORMALISED,)


def test_the_context_ends_where_an_uncarried_window_begins(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "model", architecture="MistralForCausalLM", sliding_window=128)

    plan = plan_of(ModelFolder(folder))

    assert (plan.context, len(plan.limits)) == (128, 1)


def test_a_window_that_is_switched_off_takes_nothing(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "model", architecture="Qwen2ForCausalLM", sliding_window=128)

    assert plan_of(ModelFolder(folder)).context == 512


@pytest.fixture(scope="module")
def trained(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("adapter") / "adapter"
    model = random_model("LlamaForCausalLM", vocabulary=512, tie_word_embeddings=False)
    get_peft_model(model, LoraConfig(r=4, lora_alpha=8, target_modules="all-linear")).save_pretrained(folder)
    return folder


ADAPTERS = {
    "another method": {"peft_type": "IA3"},
    "DoRA": {"use_dora": True},
    "whole modules": {"modules_to_save": ["embed_tokens"]},
    "trained tokens": {"trainable_token_indices": [1, 2]},
    "ranks of their own": {"rank_pattern": {"q_proj": 8}},
    "scales of their own": {"alpha_pattern": {"q_proj": 8}},
    "biases": {"bias": "all"},
    "no rank": {"r": None},
}


@pytest.mark.parametrize("case", ADAPTERS)
def test_an_adapter_that_llama_cpp_would_add_otherwise_is_refused(
    case: str, whole: Path, trained: Path, tmp_path: Path
) -> None:
    adapter = copy_of(trained, tmp_path / "adapter")
    edit(adapter / "adapter_config.json", **ADAPTERS[case])

    with pytest.raises(StepError) as caught:
        write_adapter(adapter, tmp_path / "adapter.gguf", base=whole, name="tuned")

    assert caught.value.reason == "no_gguf_adapter"
    assert "merged" in (caught.value.hint or "")


def test_trained_embeddings_in_an_adapter_are_refused(whole: Path, trained: Path, tmp_path: Path) -> None:
    adapter = copy_of(trained, tmp_path / "adapter")
    tensors = load_file(adapter / "adapter_model.safetensors")
    tensors["base_model.model.model.embed_tokens.weight"] = next(iter(tensors.values())).clone()
    save_file(tensors, adapter / "adapter_model.safetensors")

    with pytest.raises(StepError, match=r"embeddings are to be merged|embed_tokens"):
        write_adapter(adapter, tmp_path / "adapter.gguf", base=whole, name="tuned")
