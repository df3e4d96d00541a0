"""A model from the first step on: a tokenizer learnt from the examples, a small Llama with weights drawn by the seed.

Everything it sees is learnt, prompts too: there is no base that could read already.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import (
    AutoConfig,
    AutoModelForCausalLM,
    GenerationConfig,
    LlamaConfig,
    PreTrainedTokenizerFast,
    set_seed,
)

from hortus.jobs.examples import Example, Message
from hortus.jobs.spec import Shape
from hortus.tuning.checkpoints import written_whole
from hortus.tuning.ground import Ground
from hortus.tuning.recipes.full import SupervisedTrainer, supervised

PAD, START, END = "<|pad|>", "<|bos|>", "<|end|>"
ROLES = ("<|system|>", "<|user|>", "<|assistant|>")
TEMPLATE = (
    "{{ bos_token }}{% for message in messages %}<|{{ message['role'] }}|>\n{{ message['content'] }}<|end|>\n"
    "{% endfor %}{% if add_generation_prompt %}<|assistant|>\n{% endif %}"
)
_ROPE_THETA = 10_000.0


def write_start(folder: Path, examples: Iterable[Example], *, shape: Shape) -> None:
    """Write config, tokenizer and chat template of the model that is to be trained. Raises OSError."""
    tokenizer = learn_tokenizer(_texts(examples), vocabulary=shape.vocabulary, context_tokens=shape.context_tokens)
    config = _config(tokenizer, shape)
    with written_whole(folder) as aside:
        tokenizer.save_pretrained(aside)
        config.save_pretrained(aside)
        GenerationConfig.from_model_config(config).save_pretrained(aside)


def build(ground: Ground) -> SupervisedTrainer:
    """Return a trainer of a new model, whose first weights are drawn by the seed."""
    set_seed(ground.recipe.seed)
    model = AutoModelForCausalLM.from_config(AutoConfig.from_pretrained(ground.base, trust_remote_code=False))
    return supervised(ground, model)


def learn_tokenizer(texts: Iterable[str], *, vocabulary: int, context_tokens: int) -> PreTrainedTokenizerFast:
    """Return a byte-level BPE tokenizer that was learnt from texts: it can write any text."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    tokenizer.decoder = decoders.ByteLevel()
    special = [PAD, START, END, *ROLES]
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        special_tokens=special,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token=PAD,
        bos_token=START,
        eos_token=END,
        additional_special_tokens=list(ROLES),
        clean_up_tokenization_spaces=False,
        model_max_length=context_tokens,
    )
    fast.chat_template = TEMPLATE
    return fast


def _texts(examples: Iterable[Example]) -> Iterator[str]:
    for example in examples:
        for message in (*example.prompt, example.answer):
            yield from _contents(message)


def _contents(message: Message) -> Iterator[str]:
    content = message.get("content")
    if isinstance(content, str):
        yield content
    for part in content if isinstance(content, list) else ():
        if isinstance(part.get("text"), str):
            yield part["text"]


def _config(tokenizer: PreTrainedTokenizerFast, shape: Shape) -> LlamaConfig:
    return LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=shape.hidden,
        intermediate_size=shape.inner,
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads,
        num_key_value_heads=shape.key_value_heads,
        head_dim=shape.hidden // shape.heads,
        max_position_embeddings=shape.context_tokens,
        rope_parameters={"rope_type": "default", "rope_theta": _ROPE_THETA},
        tie_word_embeddings=True,
        initializer_range=round((2 / (5 * shape.hidden)) ** 0.5, 4),  # wider for small ones: 0.05 at 160, 0.02 at 1,024
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
        architectures=["LlamaForCausalLM"],
    )
