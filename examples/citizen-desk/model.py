"""How large is the seedling, and how does it read a chat?

Its tokenizer is a byte-level BPE in which every department is one token; its chat needs no system prompt.
"""

import re
from collections.abc import Iterable, Sequence
from random import Random

import msgspec
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import GenerationConfig, LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from generator import DEPARTMENTS

PAD, BOS, END, SYSTEM, USER, ASSISTANT = "<|pad|>", "<|bos|>", "<|end|>", "<|system|>", "<|user|>", "<|assistant|>"
SPECIAL = (PAD, BOS, END, SYSTEM, USER, ASSISTANT)
PAD_ID, BOS_ID, END_ID = 0, 1, 2
CONTEXT = 1024
TEMPLATE = (
    "{{ bos_token }}{% for message in messages %}"
    "{% if message['role'] == 'user' %}<|user|>{% elif message['role'] == 'assistant' %}<|assistant|>"
    "{% else %}<|system|>{% endif %}\n{{ message['content'] }}<|end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>\n{% endif %}"
)
LONG_WORD = re.compile(r"\w{5,}")


class Shape(msgspec.Struct, frozen=True):
    """The size of the model."""

    hidden: int = 160
    layers: int = 3
    heads: int = 5
    key_value_heads: int = 1
    inner: int = 320
    vocabulary: int = 8192


def new_tokenizer(texts: Iterable[str], size: int) -> PreTrainedTokenizerFast:
    """Train the tokenizer.

    Raises:
        ValueError: a department is not a single token.
    """
    inner = Tokenizer(models.BPE())
    inner.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    inner.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=size,
        special_tokens=list(SPECIAL),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    inner.train_from_iterator([*texts, *["\n".join(DEPARTMENTS)] * 2000], trainer)
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=inner,
        pad_token=PAD,
        bos_token=BOS,
        eos_token=END,
        additional_special_tokens=[SYSTEM, USER, ASSISTANT],
        clean_up_tokenization_spaces=False,
        model_max_length=CONTEXT,
    )
    tokenizer.chat_template = TEMPLATE
    for department in DEPARTMENTS:
        if len(tokenizer.encode(department, add_special_tokens=False)) != 1:
            raise ValueError(f"the tokenizer splits the label {department!r}; train it with more labels")
    return tokenizer


def new_model(shape: Shape) -> LlamaForCausalLM:
    """Make an untrained model whose defaults are greedy answers of a few tokens."""
    config = LlamaConfig(
        vocab_size=shape.vocabulary,
        hidden_size=shape.hidden,
        intermediate_size=shape.inner,
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads,
        num_key_value_heads=shape.key_value_heads,
        head_dim=32,
        max_position_embeddings=CONTEXT,
        tie_word_embeddings=True,
        initializer_range=0.05,
        bos_token_id=BOS_ID,
        eos_token_id=END_ID,
        pad_token_id=PAD_ID,
    )
    model = LlamaForCausalLM(config)
    model.generation_config = GenerationConfig(
        do_sample=False, max_new_tokens=8, bos_token_id=BOS_ID, eos_token_id=END_ID, pad_token_id=PAD_ID
    )
    return model


def chat_text(turns: Sequence[tuple[str, str]]) -> str:
    """Return (role, content) turns as the chat template writes them, ready for the answer."""
    roles = {"system": SYSTEM, "user": USER, "assistant": ASSISTANT}
    return BOS + "".join(f"{roles[role]}\n{content}{END}\n" for role, content in turns) + f"{ASSISTANT}\n"


def cut_words(text: str, rng: Random, *, chance: float) -> list[str]:
    """Cut some long words in two, so that the model learns to read rare pieces and unknown compounds."""
    pieces, start = [], 0
    for word in LONG_WORD.finditer(text):
        if rng.random() < chance:
            at = rng.randrange(word.start() + 2, word.end() - 1)
            pieces.append(text[start:at])
            start = at
    return [*pieces, text[start:]]
