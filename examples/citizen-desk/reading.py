"""How does the desk read? Letters are folded by the chat template, words are cut behind their stem by the tokenizer.

Seven languages bend their words at the end: a vocabulary of stems meets each word again in all its forms, where an
ordinary one of the same size would cut `lampe`, `lampen` and `lampy` at three different places.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable
from random import Random

import msgspec
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

PAD, BOS, END, SYSTEM, USER, ASSISTANT = "<|pad|>", "<|bos|>", "<|end|>", "<|system|>", "<|user|>", "<|assistant|>"
SPECIAL = (PAD, BOS, END, SYSTEM, USER, ASSISTANT)
PAD_ID, BOS_ID, END_ID = 0, 1, 2
CONTEXT = 1024
START = "Ġ"  # how byte-level BPE writes the space before a word
LONGEST_STEM = 9
SHORTEST_PART = 3  # letters of a stem that has a meaning of its own
SPELLED_OUT = {"ß": "ss", "ł": "l", "Ł": "l", "ø": "o", "æ": "ae", "œ": "oe"}
ACCENTED = "äöüÄÖÜáàâãéèêëíìîïóòôõúùûñçÁÀÂÉÈÊËÍÌÎÓÒÔÚÙÛÑÇąćęńóśźżĄĆĘŃŚŹŻ"
BETWEEN = "'’‘`´\"“”„«»()[]/-–—_*+=<>#&…"  # noqa: RUF001 - these very marks


def _folds() -> list[tuple[str, str]]:
    plain = {letter: unicodedata.normalize("NFD", letter)[0].lower() for letter in ACCENTED}
    upper = {chr(code): chr(code).lower() for code in range(ord("A"), ord("Z") + 1)}
    return [*(plain | SPELLED_OUT | upper | dict.fromkeys(BETWEEN, " ")).items()]


def _quoted(text: str) -> str:
    return msgspec.json.encode(text).decode()


FOLDS = _folds()
_TABLE = str.maketrans(dict(FOLDS))
# Engines know few of Jinja's filters alike: `lower` breaks letters that are longer than a byte in llama.cpp. There one
# chain of filters takes 0.9 ms, a loop over them 7 ms.
_FOLDED = "message['content']" + "".join(f" | replace({_quoted(a)}, {_quoted(b)})" for a, b in FOLDS)
TEMPLATE = (
    "{{ bos_token }}{% for message in messages %}"
    "{% if message['role'] == 'assistant' %}<|assistant|>{{ '\\n' + message['content'] }}"
    "{% else %}{% if message['role'] == 'user' %}<|user|>{% else %}<|system|>{% endif %}{{ '\\n ' + ("
    + _FOLDED
    + ") }}{% endif %}"
    "<|end|>\n{% endfor %}{% if add_generation_prompt %}<|assistant|>\n{% endif %}"
)


def folded(text: str) -> str:
    """Return a text as the chat template writes it: small letters without accents, words apart."""
    return text.translate(_TABLE)


def _words(texts: Iterable[str]) -> Counter[str]:
    return Counter(word for text in texts for word in re.findall(r"[a-z]+", folded(text)))


def _stems(words: Counter[str], size: int) -> list[str]:
    counts: Counter[str] = Counter()
    for word, count in words.items():
        for length in range(1, min(len(word), LONGEST_STEM) + 1):
            counts[word[:length]] += count
    # A stem is as frequent as all its longer forms together, so that every stem's beginning is kept before it.
    kept = sorted(counts, key=lambda stem: (-counts[stem], len(stem), stem))[:size]
    return sorted(kept, key=lambda stem: (len(stem), stem))


def _rests(words: Counter[str], stems: set[str]) -> Iterable[str]:
    for word, count in words.items():
        longest = next((n for n in range(min(len(word), LONGEST_STEM), 0, -1) if word[:n] in stems), 0)
        rest = word[longest:]
        yield from [rest] * min(count, 50) if len(rest) > 1 else []
        yield from [word] * (1 if len(word) > SHORTEST_PART else 0)


def _merges(stems: list[str], rests: list[tuple[str, str]], labels: Iterable[str]) -> list[tuple[str, str]]:
    first = [(START + stem[:-1], stem[-1]) for stem in stems]
    whole = [(label[:n], label[n]) for label in labels for n in range(1, len(label))]
    return [*dict.fromkeys([*first, *whole, *rests])]


def new_tokenizer(texts: Iterable[str], labels: Iterable[str], *, stems: int, rests: int) -> PreTrainedTokenizerFast:
    """Make the tokenizer of a sample of texts; every label is one token where an answer begins with it."""
    words = _words(texts)
    kept = _stems(words, stems)
    inner = Tokenizer(models.BPE())
    inner.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    trainer = trainers.BpeTrainer(
        vocab_size=256 + rests, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False
    )
    inner.train_from_iterator(_rests(words, set(kept)), trainer)
    learnt = [tuple(merge) for merge in msgspec.json.decode(inner.to_str())["model"]["merges"]]
    merges = _merges(kept, learnt, labels)
    vocabulary = [*SPECIAL, *sorted(pre_tokenizers.ByteLevel.alphabet())]
    vocabulary = [*dict.fromkeys([*vocabulary, *(a + b for a, b in merges)])]
    inner = Tokenizer(models.BPE({token: number for number, token in enumerate(vocabulary)}, merges))
    inner.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    inner.decoder = decoders.ByteLevel()
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
    return tokenizer


def forgetful(tokenizer: Tokenizer, rng: Random, *, share: float) -> Tokenizer:
    """Return a tokenizer that lacks a share of the merges: it cuts words otherwise, so that rare pieces are met too.

    BPE's own dropout does that anew for each text, but out of a seed that nobody can set.
    """
    table = msgspec.json.decode(tokenizer.to_str())
    table["model"]["merges"] = [merge for merge in table["model"]["merges"] if rng.random() >= share]
    return Tokenizer.from_str(msgspec.json.encode(table).decode())
