"""Does llama.cpp say what transformers says, for every architecture that is written as GGUF, and for an adapter?

Both compute in 32 bits here, so greedy answers must be equal; 16-bit and 8-bit files are compared number by number in
`test_tensors.py`.
"""

from __future__ import annotations

import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
import torch
import xllamacpp
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM, AutoTokenizer, PreTrainedModel, PreTrainedTokenizerFast

from hortus.tuning.gguf.adapters import write_adapter
from hortus.tuning.gguf.architectures import ROWS
from hortus.tuning.gguf.models import write_model
from hortus.tuning.gguf.tensors import NumberFormat
from tiny_models import ROPE_OF_LLAMA_3, SENTENCES, TEMPLATE, random_model, write_folder

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing`:FutureWarning"),  # peft asks transformers for it
]

TOKENS = 12
END = 2


class Served:
    """A GGUF file on llama.cpp's own server."""

    def __init__(self, address: str) -> None:
        self.address = address

    def post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """Ask, and decode the answer."""
        asked = urllib.request.Request(  # noqa: S310 - our own server's address
            f"{self.address}{path}", msgspec.json.encode(body), {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(asked, timeout=60) as answer:  # noqa: S310 - as above
            return msgspec.json.decode(answer.read(), type=dict)

    def continues(self, ids: list[int], **more: object) -> list[int]:
        """Return the greedy continuation."""
        body = {"prompt": ids, "temperature": 0, "top_k": 1, "n_predict": TOKENS, "return_tokens": True}
        return [token for token in self.post("/completion", body | more)["tokens"] if token != END]


@contextmanager
def served(model: Path, *, adapter: Path | None = None) -> Iterator[Served]:
    """Serve while the block runs, in 32 bits, on one thread."""
    wished = xllamacpp.CommonParams()
    wished.model.path = str(model)
    wished.n_ctx, wished.n_parallel, wished.port, wished.verbosity = 512, 1, 0, 0
    wished.cpuparams.n_threads = wished.cpuparams_batch.n_threads = 1
    wished.hostnames, wished.ui, wished.cache_ram_mib = ["127.0.0.1"], False, 0
    wished.cache_type_k = wished.cache_type_v = xllamacpp.ggml_type.GGML_TYPE_F32
    if adapter is not None:
        listed = xllamacpp.CommonAdapterLoraInfo(str(adapter), 0.0)
        wished.lora_adapters = [listed]
    server = xllamacpp.Server(wished)
    try:
        yield Served(server.listening_address)
    finally:
        del server


def load(folder: Path) -> tuple[PreTrainedTokenizerFast, PreTrainedModel]:
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, use_safetensors=True)
    return AutoTokenizer.from_pretrained(folder), model.eval()


def asked(tokenizer: PreTrainedTokenizerFast, text: str) -> list[int]:
    chat = [{"role": "user", "content": text}]
    return tokenizer.apply_chat_template(chat, add_generation_prompt=True, return_dict=False)


@torch.no_grad()
def continues(model: PreTrainedModel, ids: list[int]) -> list[int]:
    made = model.generate(torch.tensor([ids]), max_new_tokens=TOKENS, do_sample=False, eos_token_id=END, pad_token_id=0)
    return [int(token) for token in made[0, len(ids) :] if token != END]


CASES = {
    "llama, tied": ("LlamaForCausalLM", "gpt-2", {"tie_word_embeddings": True}),
    "llama 3.1": ("LlamaForCausalLM", "llama-bpe", {"rope_parameters": ROPE_OF_LLAMA_3}),
    "llama, stretched": (
        "LlamaForCausalLM",
        "gpt-2",
        {"rope_parameters": {"rope_type": "linear", "factor": 4.0, "rope_theta": 1e4}},
    ),
    "mistral": ("MistralForCausalLM", "smollm", {"sliding_window": None}),
    "qwen 2": ("Qwen2ForCausalLM", "qwen2", {}),
    "qwen 3, tied": ("Qwen3ForCausalLM", "qwen2", {"tie_word_embeddings": True}),
    "qwen 3, wide heads": ("Qwen3ForCausalLM", "qwen2", {"head_dim": 32}),
}


@pytest.mark.parametrize("case", CASES)
def test_llama_cpp_reads_the_prompt_and_answers_as_transformers_does(case: str, tmp_path: Path) -> None:
    architecture, split, settings = CASES[case]
    folder = write_folder(tmp_path / "model", architecture=architecture, split=split, **settings)
    write_model(folder, tmp_path / "model.gguf", name="tiny", wish=NumberFormat.F32)
    tokenizer, model = load(folder)

    with served(tmp_path / "model.gguf") as other:
        for text in SENTENCES:
            ids = asked(tokenizer, text)
            chat = {"messages": [{"role": "user", "content": text}]}
            written = other.post("/apply-template", chat)["prompt"]
            assert other.post("/tokenize", {"content": written, "parse_special": True})["tokens"] == ids
            assert other.continues(ids, cache_prompt=False) == continues(model, ids)


def test_every_row_of_the_table_is_compared() -> None:
    assert {architecture for architecture, _, _ in CASES.values()} == set(ROWS)


@pytest.mark.parametrize("architecture", ["LlamaForCausalLM", "Qwen3ForCausalLM"])
@pytest.mark.parametrize("is_stabilised", [False, True])
def test_an_adapter_by_name_answers_as_peft_does(*, architecture: str, is_stabilised: bool, tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "base", architecture=architecture)
    write_model(folder, tmp_path / "base.gguf", name="tiny", wish=NumberFormat.F32)
    tokenizer, model = load(folder)
    plain = [continues(model, asked(tokenizer, text)) for text in SENTENCES]
    adapted = make_adapter(model, tmp_path / "adapter", is_stabilised=is_stabilised)
    write_adapter(tmp_path / "adapter", tmp_path / "adapter.gguf", base=folder, name="tuned")

    with served(tmp_path / "base.gguf", adapter=tmp_path / "adapter.gguf") as other:
        for text, before in zip(SENTENCES, plain, strict=True):
            ids = asked(tokenizer, text)
            wanted = continues(adapted, ids)
            assert wanted != before
            assert other.continues(ids, lora=[{"id": 0, "scale": 1.0}], cache_prompt=False) == wanted
            assert other.continues(ids, lora=[{"id": 0, "scale": 0.0}], cache_prompt=False) == before


def make_adapter(model: PreTrainedModel, folder: Path, *, is_stabilised: bool) -> PreTrainedModel:
    """Random matrices on all linear layers: an untrained adapter changes nothing, so B is drawn as well."""
    settings = LoraConfig(
        r=4, lora_alpha=8, target_modules="all-linear", task_type="CAUSAL_LM", use_rslora=is_stabilised
    )
    adapted = get_peft_model(model, settings)
    torch.manual_seed(3)
    with torch.no_grad():
        for name, value in adapted.named_parameters():
            if "lora_" in name:
                value.copy_(torch.randn_like(value) * 0.2)
    adapted.save_pretrained(folder)
    return adapted.eval()


def test_the_template_that_is_served_is_the_folders(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "model")
    write_model(folder, tmp_path / "model.gguf", name="tiny")

    with served(tmp_path / "model.gguf") as other:
        assert other.post("/apply-template", {"messages": [{"role": "user", "content": "x"}]})["prompt"] == (
            "<|bos|><|user|>\nx<|end|>\n<|assistant|>\n"
        )
    assert TEMPLATE.startswith("{{ bos_token }}")


def test_a_random_model_differs_from_another() -> None:
    one, other = (random_model("LlamaForCausalLM", vocabulary=300, seed=seed) for seed in (1, 2))

    assert continues(one, [1, 50, 60]) != continues(other, [1, 50, 60])
