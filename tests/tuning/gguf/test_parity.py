"""Does llama.cpp say what transformers says, for every architecture that is written as GGUF, and for an adapter?

Both compute in 32 bits here, so greedy answers must be equal; 16-bit and 8-bit files are compared number by number in
`test_tensors.py`.
"""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM, AutoTokenizer, PreTrainedModel, PreTrainedTokenizerFast

from hortus.tuning.gguf.adapters import write_adapter
from hortus.tuning.gguf.architectures import ROWS
from hortus.tuning.gguf.models import write_model
from hortus.tuning.gguf.tensors import NumberFormat
from llama_server import Served, served
from tiny_models import GEMMA, ROPE_OF_LLAMA_3, SENTENCES, TEMPLATE, random_model, write_folder
from tiny_pieces import train_pieces, write_pieces

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing`:FutureWarning"),  # peft asks transformers for it
]

TOKENS = 12
END = 2


def load(folder: Path) -> tuple[PreTrainedTokenizerFast, PreTrainedModel]:
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, use_safetensors=True)
    return AutoTokenizer.from_pretrained(folder), model.eval()


def asked(tokenizer: PreTrainedTokenizerFast, text: str) -> list[int]:
    chat = [{"role": "user", "content": text}]
    return tokenizer.apply_chat_template(chat, add_generation_prompt=True, return_dict=False)


def answer(other: Served, ids: list[int], **more: object) -> list[int]:
    return [token for token in other.continues(ids, tokens=TOKENS, **more) if token != END]


@torch.no_grad()
def continues(model: PreTrainedModel, ids: list[int]) -> list[int]:
    made = model.generate(torch.tensor([ids]), max_new_tokens=TOKENS, do_sample=False, eos_token_id=END, pad_token_id=0)
    return [int(token) for token in made[0, len(ids) :] if token != END]


ALTERNATING = ["sliding_attention", "full_attention"]
ROPE_OF_GEMMA_3 = {
    "full_attention": {"rope_type": "linear", "factor": 8.0, "rope_theta": 1e6},
    "sliding_attention": {"rope_type": "default", "rope_theta": 1e4},
}
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
    "gemma 2": ("Gemma2ForCausalLM", "gemma", GEMMA),
    "gemma 3": ("Gemma3ForCausalLM", "gemma", GEMMA | {"num_hidden_layers": 7}),
    "gemma 3, stretched": (
        "Gemma3ForCausalLM",
        "gemma",
        GEMMA | {"layer_types": ALTERNATING, "rope_parameters": ROPE_OF_GEMMA_3},
    ),
}


def write_case(folder: Path, case: tuple[str, str, dict[str, object]]) -> Path:
    architecture, split, settings = case
    if split == "gemma":
        maker = "GemmaTokenizer"
        return write_pieces(folder, train_pieces(split), architecture=architecture, maker=maker, **settings)
    return write_folder(folder, architecture=architecture, split=split, **settings)


@pytest.mark.parametrize("case", CASES)
def test_llama_cpp_reads_the_prompt_and_answers_as_transformers_does(case: str, tmp_path: Path) -> None:
    folder = write_case(tmp_path / "model", CASES[case])
    write_model(folder, tmp_path / "model.gguf", name="tiny", wish=NumberFormat.F32)
    tokenizer, model = load(folder)

    with served(tmp_path / "model.gguf") as other:
        for text in SENTENCES:
            ids = asked(tokenizer, text)
            chat = {"messages": [{"role": "user", "content": text}]}
            written = other.post("/apply-template", chat)["prompt"]
            assert other.post("/tokenize", {"content": written, "parse_special": True})["tokens"] == ids
            assert answer(other, ids) == continues(model, ids)


@torch.no_grad()
@pytest.mark.parametrize("case", ["llama, tied", "gemma 2", "gemma 3", "gemma 3, stretched"])
def test_the_next_tokens_are_as_likely(case: str, tmp_path: Path) -> None:
    """Weights as small as trained ones, so that what is left is how llama.cpp rounds."""
    architecture, split, settings = CASES[case]
    folder = write_case(tmp_path / "model", (architecture, split, settings | {"initializer_range": 0.05}))
    write_model(folder, tmp_path / "model.gguf", name="tiny", wish=NumberFormat.F32)
    tokenizer, model = load(folder)

    with served(tmp_path / "model.gguf") as other:
        for text in SENTENCES:
            ids = asked(tokenizer, text)
            body = {"prompt": ids, "n_predict": 1, "n_probs": 10, "temperature": 0, "cache_prompt": False}
            letter = [[tokenizer.convert_tokens_to_ids("e"), 100.0]]  # half a letter would be told without likelihoods
            answer = other.post("/completion", body | {"logit_bias": letter})
            told = answer["completion_probabilities"][0]["top_logprobs"]
            wanted = torch.log_softmax(model(torch.tensor([ids])).logits[0, -1], dim=-1)
            assert len(told) == 10
            for each in told:
                assert each["logprob"] == pytest.approx(float(wanted[each["id"]]), abs=0.02)


def test_every_row_of_the_table_is_compared() -> None:
    assert {architecture for architecture, _, _ in CASES.values()} == set(ROWS)


ADAPTED = {
    "llama": ("LlamaForCausalLM", "gpt-2", {}),
    "qwen 3": ("Qwen3ForCausalLM", "gpt-2", {}),
    "gemma 2": CASES["gemma 2"],
    "gemma 3": CASES["gemma 3"],
}


@pytest.mark.parametrize("case", ADAPTED)
@pytest.mark.parametrize("is_stabilised", [False, True])
def test_an_adapter_by_name_answers_as_peft_does(*, case: str, is_stabilised: bool, tmp_path: Path) -> None:
    folder = write_case(tmp_path / "base", ADAPTED[case])
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
            assert answer(other, ids, lora=[{"id": 0, "scale": 1.0}]) == wanted
            assert answer(other, ids, lora=[{"id": 0, "scale": 0.0}]) == before


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
