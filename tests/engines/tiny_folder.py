"""Writes a Llama-architecture folder of safetensors with random weights and bytes as words, as transformers saves."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

TEMPLATE = (
    "{% for message in messages %}<|{{ message['role'] }}|>{{ message['content'] }}{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)
CONTEXT = 256


def write_tiny_folder(path: Path, *, template: str | None = TEMPLATE) -> Path:
    """Write the model and return its folder; the same arguments give the same weights."""
    import torch  # noqa: PLC0415 - heavy, and an extra
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers  # noqa: PLC0415 - likewise
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast  # noqa: PLC0415 - likewise

    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    words = ["<eos>", "<bos>", *alphabet]
    tokenizer = Tokenizer(models.BPE({word: id_ for id_, word in enumerate(words)}, []))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token="<eos>", bos_token="<bos>", pad_token="<eos>")
    if template is not None:
        fast.chat_template = template
    fast.save_pretrained(path)
    torch.manual_seed(1)
    config = LlamaConfig(
        vocab_size=len(words),
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=2,
        num_attention_heads=4,
        max_position_embeddings=CONTEXT,
        eos_token_id=0,
        bos_token_id=1,
        initializer_range=0.4,
    )
    LlamaForCausalLM(config).save_pretrained(path)
    return path
