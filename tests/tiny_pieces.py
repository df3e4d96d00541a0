"""Tiny tokenizers of SentencePiece's kind: BPE with byte fallback, merges as transformers makes them of its files."""

from __future__ import annotations

from pathlib import Path

import msgspec
from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

from tiny_models import SENTENCES, TEMPLATE, edit, random_model

SPECIAL = ("<unk>", "<s>", "</s>", "<pad>", "<|user|>", "<|assistant|>", "<|end|>")
RUNS = ("▁▁", "▁▁▁", "▁▁▁▁", "▁▁▁▁▁", "ab", "ba", "abab", "aba", "ababa", "bab")
"""Tokens with more than one pair that could make them."""

Normalizer = normalizers.Normalizer | None
PreTokenizer = pre_tokenizers.PreTokenizer | None

FORMS: dict[str, tuple[Normalizer, PreTokenizer]] = {
    "prepend": (normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")]), None),
    "replace": (normalizers.Replace(" ", "▁"), None),
    "gemma": (normalizers.Replace(" ", "▁"), pre_tokenizers.Split(" ", "merged_with_previous")),
    "never": (None, pre_tokenizers.Metaspace(prepend_scheme="never", split=False)),
    "first": (None, pre_tokenizers.Metaspace(prepend_scheme="first", split=False)),
    "always": (None, pre_tokenizers.Metaspace(prepend_scheme="always", split=False)),
}


def train_pieces(form: str, *, vocabulary: int = 640) -> Tokenizer:
    """Learn tokens from the sentences, then list every pair that makes one, as SentencePiece's merges are listed."""
    learner = Tokenizer(models.BPE())
    learner.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="never", split=True)
    trainer = trainers.BpeTrainer(vocab_size=vocabulary - len(SPECIAL) - 256, show_progress=False)
    learner.train_from_iterator([*SENTENCES * 3, "ab"], trainer)
    learnt = [*sorted(learner.get_vocab(), key=learner.token_to_id), *RUNS]
    letters = [text for text in learnt if len(text) == 1]
    made = list(dict.fromkeys(text for text in learnt if len(text) > 1))
    order = [*SPECIAL, *(f"<0x{number:02X}>" for number in range(256)), *made, *letters]
    vocab = {text: number for number, text in enumerate(order)}
    merges = [pair for text in made for pair in _pairs(text, vocab)]
    tokenizer = Tokenizer(models.BPE(vocab=vocab, merges=merges, byte_fallback=True, fuse_unk=True, unk_token="<unk>"))
    tokenizer.add_special_tokens([AddedToken(text, special=True, normalized=False) for text in SPECIAL])
    normalizer, before = FORMS[form]
    if normalizer is not None:
        tokenizer.normalizer = normalizer
    if before is not None:
        tokenizer.pre_tokenizer = before
    tokenizer.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()])
    return tokenizer


def _pairs(text: str, vocab: dict[str, int]) -> list[tuple[str, str]]:
    pairs = [(text[:place], text[place:]) for place in range(1, len(text))]
    known = [pair for pair in pairs if pair[0] in vocab and pair[1] in vocab]
    return sorted(known, key=lambda pair: (vocab[pair[0]], vocab[pair[1]]))


def write_pieces(
    folder: Path,
    tokenizer: Tokenizer,
    *,
    architecture: str = "LlamaForCausalLM",
    maker: str | None = "PreTrainedTokenizerFast",
    **settings: object,
) -> Path:
    """Write a whole model with such a tokenizer and return its folder."""
    own: dict[str, object] = {"bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 3}
    model = random_model(architecture, vocabulary=tokenizer.get_vocab_size(), **(own | settings))
    model.half().save_pretrained(folder)
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token="<s>",
        eos_token="</s>",
        unk_token="<unk>",
        pad_token="<pad>",
        chat_template=TEMPLATE,
    )
    fast.save_pretrained(folder)
    edit(folder / "tokenizer_config.json", tokenizer_class=maker)
    return folder


def respell(folder: Path, **changes: object) -> None:
    """Change members of the tokenizer's model."""
    path = folder / "tokenizer.json"
    table = msgspec.json.decode(path.read_bytes(), type=dict)
    table["model"] |= changes
    path.write_bytes(msgspec.json.encode(table))
