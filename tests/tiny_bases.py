"""A tiny base with random weights and the tokenizer of its own texts: what trainers start from in tests."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import torch
from transformers import LlamaConfig, LlamaForCausalLM, set_seed

from hortus.jobs.spec import Shape
from hortus.tuning.recipes.scratch import learn_tokenizer

SHAPE = Shape(hidden=32, layers=2, heads=2, key_value_heads=1, inner=48, vocabulary=300, context_tokens=128)


def write_tiny_base(folder: Path, texts: Iterable[str]) -> Path:
    """Write a base that knows the words and has learnt nothing; the same texts give the same base."""
    tokenizer = learn_tokenizer(texts, vocabulary=SHAPE.vocabulary, context_tokens=SHAPE.context_tokens)
    set_seed(7)
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=SHAPE.hidden,
        intermediate_size=SHAPE.inner,
        num_hidden_layers=SHAPE.layers,
        num_attention_heads=SHAPE.heads,
        num_key_value_heads=SHAPE.key_value_heads,
        max_position_embeddings=SHAPE.context_tokens,
        tie_word_embeddings=True,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    LlamaForCausalLM(config).to(torch.float32).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder
