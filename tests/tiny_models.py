"""Tiny random models of each architecture with tokenizers trained on a few sentences: real folders in a second."""

from __future__ import annotations

import shutil
from pathlib import Path

import msgspec
import torch
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers
from transformers import (
    Gemma2Config,
    Gemma2ForCausalLM,
    Gemma3ForCausalLM,
    Gemma3TextConfig,
    LlamaConfig,
    LlamaForCausalLM,
    MistralConfig,
    MistralForCausalLM,
    PreTrainedModel,
    PreTrainedTokenizerFast,
    Qwen2Config,
    Qwen2ForCausalLM,
    Qwen3Config,
    Qwen3ForCausalLM,
)

from hortus.tuning.gguf.splits import SPLITS

TEMPLATE = (
    "{{ bos_token }}{% for message in messages %}<|{{ message['role'] }}|>\n{{ message['content'] }}<|end|>\n"
    "{% endfor %}{% if add_generation_prompt %}<|assistant|>\n{% endif %}"
)
SPECIAL = ("<|pad|>", "<|bos|>", "<|end|>", "<|system|>", "<|user|>", "<|assistant|>")
SENTENCES = (
    "The street lamp in front of number 12 has been dark since Tuesday, who will repair it?",
    "Wann wird die Grüne Tonne in der Müllerstraße geleert? Sie steht seit 3 Tagen voll da.",
    "Où puis-je m'inscrire à l'école maternelle ? J'ai déjà envoyé 2 courriels.",
    "¿Cuándo abre la oficina de impuestos el 15/04/2027? ¡Nadie contesta!",
    "def route(text):\n    return {'office': 42, \"name\": text.strip()}\n\n\tx = 1_000\r\n",
    "Kdy bude opraven chodník? Żółte liście leżą wszędzie… Здравей, ďakujem.",
)


def train_tokenizer(split: str, *, vocabulary: int = 512) -> Tokenizer:
    """Train a byte-level BPE tokenizer that splits texts as one of the rows does."""
    row = next(each for each in SPLITS if each.name == split)
    tokenizer = Tokenizer(models.BPE(ignore_merges=row.ignores_merges))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([_step(kind, value) for kind, value in row.steps])
    if split == "gpt-2":
        tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    if split == "qwen2":
        tokenizer.normalizer = normalizers.NFC()
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        special_tokens=[AddedToken(token, special=True) for token in SPECIAL],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(SENTENCES * 3, trainer)
    return tokenizer


def _step(kind: str, value: object) -> pre_tokenizers.PreTokenizer:
    match kind:
        case "ByteLevel":
            return pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=bool(value))
        case "Digits":
            return pre_tokenizers.Digits(individual_digits=bool(value))
        case _:
            return pre_tokenizers.Split(Regex(str(value)), behavior="isolated", invert=False)


def fast(tokenizer: Tokenizer) -> PreTrainedTokenizerFast:
    """Wrap a tokenizer as transformers does."""
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token="<|bos|>",
        eos_token="<|end|>",
        pad_token="<|pad|>",
        chat_template=TEMPLATE,
    )


SHAPE = {
    "hidden_size": 64,
    "intermediate_size": 96,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 512,
    "initializer_range": 0.2,
    "pad_token_id": 0,
    "bos_token_id": 1,
    "eos_token_id": 2,
}
ROPE_OF_LLAMA_3 = {
    "rope_type": "llama3",
    "rope_theta": 10000.0,
    "factor": 8.0,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 64,
}
ARCHITECTURES = {
    "LlamaForCausalLM": (LlamaForCausalLM, LlamaConfig),
    "MistralForCausalLM": (MistralForCausalLM, MistralConfig),
    "Qwen2ForCausalLM": (Qwen2ForCausalLM, Qwen2Config),
    "Qwen3ForCausalLM": (Qwen3ForCausalLM, Qwen3Config),
    "Gemma2ForCausalLM": (Gemma2ForCausalLM, Gemma2Config),
    "Gemma3ForCausalLM": (Gemma3ForCausalLM, Gemma3TextConfig),
}
GEMMA = {"query_pre_attn_scalar": 16, "sliding_window": 8, "tie_word_embeddings": True}
"""What a Gemma's config must say besides; the window is shorter than prompts are."""


def random_model(architecture: str, *, vocabulary: int, seed: int = 5, **settings: object) -> PreTrainedModel:
    """Make a model with random weights, vectors and biases too, so that a swapped tensor shows."""
    maker, config = ARCHITECTURES[architecture]
    torch.manual_seed(seed)
    model = maker(config(**(SHAPE | {"vocab_size": vocabulary, "head_dim": 16} | settings)))
    with torch.no_grad():
        for name, value in model.named_parameters():
            if value.ndim == 1:
                value.copy_(torch.randn_like(value) * 0.2 + (0.0 if name.endswith("bias") else 1.0))
    return model.eval()


def write_folder(
    folder: Path, *, architecture: str = "LlamaForCausalLM", split: str = "gpt-2", seed: int = 5, **settings: object
) -> Path:
    """Write a whole model as transformers does and return its folder."""
    tokenizer = fast(train_tokenizer(split))
    random_model(architecture, vocabulary=len(tokenizer), seed=seed, **settings).half().save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def copy_of(folder: Path, target: Path) -> Path:
    """Copy a folder for a test that spoils it."""
    return Path(shutil.copytree(folder, target))


def edit(path: Path, **changes: object) -> None:
    """Change members of a JSON object; None removes one."""
    table = msgspec.json.decode(path.read_bytes(), type=dict) | changes
    path.write_bytes(msgspec.json.encode({key: value for key, value in table.items() if value is not None}))
