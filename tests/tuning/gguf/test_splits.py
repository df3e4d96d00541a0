"""Does llama.cpp split texts as the tokenizers library does, for every way that is recognised?"""

from __future__ import annotations

import random
from pathlib import Path

import msgspec
import pytest
from tokenizers import AddedToken
from transformers import AutoTokenizer

from hortus.tuning.gguf.models import write_model
from hortus.tuning.gguf.splits import CLASSES, SPLITS, Split, is_kept, split_of
from llama_server import served
from tiny_models import SENTENCES, edit, fast, random_model, train_tokenizer

AWKWARD = (
    "I'LL don't you'Re it'S 'tis",
    "  two  spaces\n\n\nlines \t tab\r\n\r\n end  ",
    "1 12 123 1234 12345 3.14 1/2 ½ ² 1\uff12\uff13",
    "日本語テキスト 한국어 हिन्दी ภาษาไทย العربية",
    "emoji 👩‍👩‍👧 🇩🇪 🏽!",
    "nbsp\u00a0em\u2003zero\u200bwidth\ufeff",
    "ﬁ ǅ ʰ ª ß ẞ İ \u0131",
    "a/b//c\n/ \\ \\n {}[]()<>#@!?…—",
    "<|user|>inside<|end|> <|nothing|>",
    "x" * 70,
    "\x00\x07\x1b",
)
ALPHABET = "aäßзż中1٣ 　\t\n\r'\u2019.,/-_!😀\u0301\u200d"


def texts() -> list[str]:
    drawn = random.Random(11)
    return [*SENTENCES, *AWKWARD, *("".join(drawn.choices(ALPHABET, k=40)) for _ in range(60))]


@pytest.mark.slow
@pytest.mark.parametrize("name", [split.name for split in SPLITS])
def test_llama_cpp_gives_the_same_token_ids(name: str, tmp_path: Path) -> None:
    tokenizer = train_tokenizer(name)
    random_model("LlamaForCausalLM", vocabulary=tokenizer.get_vocab_size()).save_pretrained(tmp_path / "model")
    fast(tokenizer).save_pretrained(tmp_path / "model")
    write_model(tmp_path / "model", tmp_path / "model.gguf", name="tiny")

    with served(tmp_path / "model.gguf") as other:
        for text in texts():
            if tokenizer.normalizer is not None and tokenizer.normalizer.normalize_str(text) != text:
                continue  # the limit that `read_vocabulary` tells of
            ids = other.post("/tokenize", {"content": text, "parse_special": True})["tokens"]
            assert ids == tokenizer.encode(text, add_special_tokens=False).ids, repr(text)


@pytest.mark.slow
def test_added_words_are_cut_out_of_a_text_as_the_library_does(tmp_path: Path) -> None:
    tokenizer = train_tokenizer("qwen2")
    tokenizer.add_tokens([AddedToken(word, special=False, normalized=False) for word in ("<tool>", "</tool>", "<to")])
    random_model("LlamaForCausalLM", vocabulary=tokenizer.get_vocab_size()).save_pretrained(tmp_path / "model")
    fast(tokenizer).save_pretrained(tmp_path / "model")
    write_model(tmp_path / "model", tmp_path / "model.gguf", name="tiny")

    with served(tmp_path / "model.gguf") as other:
        for text in ('<tool>\n{"x": 1}</tool>', "a<tool>b <tool> c</tool></tool>d", "<to <tool", "< tool>"):
            ids = other.post("/tokenize", {"content": text, "parse_special": True})["tokens"]
            assert ids == tokenizer.encode(text, add_special_tokens=False).ids, text


@pytest.mark.parametrize("maker", [*filter(None, CLASSES), "GPT2TokenizerFast", "Qwen2TokenizerFast"])
@pytest.mark.parametrize("split", SPLITS, ids=lambda split: split.name)
def test_a_class_that_overrides_the_split_is_known(split: Split, maker: str, tmp_path: Path) -> None:
    if maker == "PreTrainedTokenizer":
        maker = "PreTrainedTokenizerFast"
    tokenizer = train_tokenizer(split.name)
    fast(tokenizer).save_pretrained(tmp_path)
    edit(tmp_path / "tokenizer_config.json", tokenizer_class=maker)

    loaded = AutoTokenizer.from_pretrained(tmp_path)

    is_same = all(
        loaded.encode(text, add_special_tokens=False) == tokenizer.encode(text, add_special_tokens=False).ids
        for text in texts()
    )
    assert is_kept(split, maker) == is_same


def test_a_class_that_nobody_tried_is_refused() -> None:
    assert not is_kept(SPLITS[0], "OwnTokenizer")


@pytest.mark.parametrize("name", [split.name for split in SPLITS])
def test_recognises_what_the_library_writes(name: str) -> None:
    found = split_of(msgspec.json.decode(train_tokenizer(name).to_str().encode()))

    assert found is not None
    assert found.name == name


def spoilt(**changes: object) -> dict[str, object]:
    table = msgspec.json.decode(train_tokenizer("llama-bpe").to_str().encode(), type=dict)
    return table | changes


def test_a_pattern_with_one_other_letter_is_not_recognised() -> None:
    table = spoilt()
    table["pre_tokenizer"]["pretokenizers"][0]["pattern"]["Regex"] += "|q"

    assert split_of(table) is None


def test_llama_3_without_ignored_merges_is_not_recognised() -> None:
    table = spoilt()
    table["model"]["ignore_merges"] = False

    assert split_of(table) is None


@pytest.mark.parametrize(
    "step",
    [
        None,
        {"type": "Whitespace"},
        {"type": "ByteLevel", "add_prefix_space": True, "use_regex": True},
        {"type": "Metaspace", "replacement": "▁"},
        {"type": "Sequence", "pretokenizers": []},
    ],
)
def test_another_way_to_split_is_not_recognised(step: object) -> None:
    assert split_of(spoilt(pre_tokenizer=step)) is None
