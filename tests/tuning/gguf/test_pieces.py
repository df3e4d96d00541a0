"""Does llama.cpp's SentencePiece give the ids that transformers gives, and is refused what it cannot say?"""

from __future__ import annotations

import random
from itertools import pairwise
from pathlib import Path

import pytest
from tokenizers import AddedToken, Tokenizer
from transformers import AutoTokenizer, PreTrainedTokenizerFast

from hortus.jobs.errors import StepError
from hortus.tuning.folders import ModelFolder
from hortus.tuning.gguf.models import write_model
from hortus.tuning.gguf.pieces import (
    FIRST_NOT_CARRIED,
    FRONT_NOT_TAKEN,
    Way,
    begins_with_special,
    clash_of,
    scores_of,
    way_of,
)
from hortus.tuning.gguf.vocabulary import BYTE, UNKNOWN, read_vocabulary
from llama_server import served
from tiny_models import SENTENCES, copy_of, edit
from tiny_pieces import FORMS, SPECIAL, respell, train_pieces, write_pieces

AWKWARD = (
    "  two  spaces\n\n\nlines \t tab\r\n\r\n end  ",
    "1 12 123 1234 12345 3.14 1/2 ½ ² 1\uff12\uff13",
    "日本語テキスト 한국어 हिन्दी ภาษาไทย العربية",
    "Ποιος θα επισκευάσει τη λάμπα; Кто починит фонарь? Żółć, ďakujem, naïve, Ærø",
    "emoji 👩‍👩‍👧 🇩🇪 🏽!",
    "nbsp\u00a0em\u2003zero\u200bwidth\ufeff decomposed e\u0301 A\u030a",
    "<|user|>inside<|end|> x <|nothing|> </s>end <s>",
    "a                 b" + " " * 33 + "c",
    "abababab aabb babaabab abababababa",
    "<0x0A> ▁ <unk> x",
    "\x07\x1b",
)
ALPHABET = "aäßзżλ中1٣ 　\t\n\r'\u2019.,/-_!😀\u0301\u200d"
WORDS = (*"abtheun ", "th", "er", "ab", "  ", "en", "\n", *SPECIAL[4:])


def texts() -> list[str]:
    drawn = random.Random(11)
    letters = ["".join(drawn.choices(ALPHABET, k=40)) for _ in range(60)]
    runs = ["".join(drawn.choices("ab ", k=30)) for _ in range(60)]
    words = ["".join(drawn.choices(WORDS, k=30)) for _ in range(60)]
    return [*SENTENCES, *AWKWARD, *letters, *runs, *words]


CASES = {
    "prepended": ("prepend", "LlamaForCausalLM", "PreTrainedTokenizerFast"),
    "mistral's": ("prepend", "MistralForCausalLM", "LlamaTokenizer"),
    "gemma's": ("gemma", "LlamaForCausalLM", "GemmaTokenizer"),
    "llama 2's": ("prepend", "LlamaForCausalLM", "LlamaTokenizer"),
    "the first word's": ("first", "MistralForCausalLM", "LlamaTokenizerFast"),
    "none": ("never", "LlamaForCausalLM", "PreTrainedTokenizerFast"),
}


def added_words(tokenizer: Tokenizer) -> None:
    """Such as Gemma has them: tags, runs of newlines and of spaces, found after spaces were replaced."""
    tokenizer.add_tokens(
        [AddedToken(text, special=False, normalized=False) for text in ("<b>", "</b>", "\n\n", "\n\n\n")]
    )
    tokenizer.add_tokens([AddedToken("▁▁", special=False, normalized=True)])
    tokenizer.add_tokens([AddedToken("▁▁▁", special=False, normalized=False)])


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES)
def test_llama_cpp_gives_the_ids_of_transformers(case: str, tmp_path: Path) -> None:
    form, architecture, maker = CASES[case]
    folder = write_pieces(tmp_path / "model", train_pieces(form), architecture=architecture, maker=maker)
    write_model(folder, tmp_path / "model.gguf", name="tiny")
    tokenizer = AutoTokenizer.from_pretrained(folder)
    start = "<s>" if way_of(ModelFolder(folder)) is Way.START else ""

    with served(tmp_path / "model.gguf") as other:
        for text in texts():
            ids = other.post("/tokenize", {"content": start + text, "parse_special": True})["tokens"]
            assert ids == tokenizer.encode(start + text, add_special_tokens=False), repr(text)


def write_gemma(place: Path) -> PreTrainedTokenizerFast:
    """Write a tiny model with added words as `model.gguf`, and return its tokenizer as transformers loads it."""
    tokenizer = train_pieces("gemma")
    added_words(tokenizer)
    folder = write_pieces(place / "model", tokenizer, maker="GemmaTokenizer")
    write_model(folder, place / "model.gguf", name="tiny")
    return AutoTokenizer.from_pretrained(folder)


@pytest.mark.slow
def test_added_words_are_cut_out_as_transformers_does(tmp_path: Path) -> None:
    loaded = write_gemma(tmp_path)

    with served(tmp_path / "model.gguf") as other:
        mixed = "".join(random.Random(5).choices(["<b>", "</b>", "\n", " ", "x", "<"], k=400))
        for text in [mixed, *mixed, *texts()]:
            if "▁" in text:
                continue
            ids = other.post("/tokenize", {"content": text, "parse_special": True})["tokens"]
            assert ids == loaded.encode(text, add_special_tokens=False), repr(text)


@pytest.mark.slow
def test_runs_of_spaces_are_written_as_spaces(tmp_path: Path) -> None:
    loaded = write_gemma(tmp_path)

    with served(tmp_path / "model.gguf") as other:
        for text in ("a  b   c    d", "\n\n\n x\n", "é日😀 <b>"):
            ids = loaded.encode(text, add_special_tokens=False)
            assert other.post("/detokenize", {"tokens": ids})["content"] == loaded.decode(ids) == text


def test_an_added_token_without_an_embedding_is_left_out(folder: Path) -> None:
    table = ModelFolder(folder)
    spare = {"id": table.vocabulary, "content": "<image>", "special": True, "normalized": False}
    edit(folder / "tokenizer.json", added_tokens=[*table.tokenizer["added_tokens"], spare])

    assert "<image>" not in read_vocabulary(ModelFolder(folder)).tokens


MAKERS = ("PreTrainedTokenizerFast", "TokenizersBackend", "LlamaTokenizer", "LlamaTokenizerFast", "GemmaTokenizer")


@pytest.mark.parametrize("maker", [*MAKERS, None])
@pytest.mark.parametrize("kind", ["llama", "mistral", "gemma2", "gemma3_text"])
@pytest.mark.parametrize("form", FORMS)
def test_what_transformers_does_with_spaces_is_known(form: str, kind: str, maker: str | None, tmp_path: Path) -> None:
    folder = write_pieces(tmp_path / "model", train_pieces(form, vocabulary=400), maker=maker)
    edit(folder / "config.json", model_type=kind)
    for legacy in (None, True, False):
        edit(folder / "tokenizer_config.json", legacy=legacy)
        loaded = AutoTokenizer.from_pretrained(folder)
        spaces = {
            text: loaded.tokenize(text)[:1] == ["▁"] or loaded.tokenize(text)[0][0] == "▁" for text in ("x", " x")
        }
        parts = [token for token in loaded.tokenize("<s>x<s> x") if token != "<s>"]
        found = {
            (False, "x▁x"): Way.NOTHING,
            (True, "x▁x"): Way.START,
            (True, "▁x▁▁x"): Way.PARTS,
            (True, "▁x▁x"): Way.WORDS,
        }[(spaces["x"], "".join(parts))]
        assert way_of(ModelFolder(folder)) is found


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> Path:
    return write_pieces(tmp_path_factory.mktemp("base") / "model", train_pieces("replace"))


@pytest.fixture
def folder(whole: Path, tmp_path: Path) -> Path:
    return copy_of(whole, tmp_path / "model")


def test_bytes_and_the_unknown_are_named(folder: Path) -> None:
    vocabulary = read_vocabulary(ModelFolder(folder))

    assert (vocabulary.model, vocabulary.kinds.count(BYTE), vocabulary.kinds[0]) == ("llama", 256, UNKNOWN)


def refused(folder: Path) -> str:
    with pytest.raises(StepError) as caught:
        read_vocabulary(ModelFolder(folder))
    assert caught.value.reason == "no_gguf"
    return caught.value.message


@pytest.mark.parametrize("form", ["always", "first"])
def test_spaces_that_llama_cpp_cannot_put_are_refused(form: str, tmp_path: Path) -> None:
    folder = write_pieces(tmp_path / "model", train_pieces(form))
    (folder / "chat_template.jinja").write_text("{{ messages[0]['content'] }}{{ bos_token }}")

    assert "puts a space" in refused(folder)


def test_the_space_that_only_the_template_takes_away_is_told(tmp_path: Path) -> None:
    folder = write_pieces(tmp_path / "model", train_pieces("first"))

    assert read_vocabulary(ModelFolder(folder)).limits == (FIRST_NOT_CARRIED, FRONT_NOT_TAKEN)


@pytest.mark.parametrize(
    "before", [{"type": "Metaspace", "replacement": "▁", "prepend_scheme": "never", "split": True}, {"type": "Digits"}]
)
def test_another_way_to_split_is_refused(before: dict[str, object], folder: Path) -> None:
    edit(folder / "tokenizer.json", pre_tokenizer=before)

    assert "changes or splits" in refused(folder)


def test_another_normaliser_is_refused(folder: Path) -> None:
    edit(folder / "tokenizer.json", normalizer={"type": "NFKC"})

    assert "changes or splits" in refused(folder)


def test_a_class_that_nobody_tried_is_refused(folder: Path) -> None:
    edit(folder / "tokenizer_config.json", tokenizer_class="CodeLlamaTokenizer")

    assert "CodeLlamaTokenizer" in refused(folder)


def test_words_taken_before_merges_are_refused(folder: Path) -> None:
    respell(folder, ignore_merges=True)

    assert "ignore_merges" in refused(folder)


def test_a_missing_byte_is_refused(folder: Path) -> None:
    vocab = ModelFolder(folder).tokenizer["model"]["vocab"]
    respell(folder, vocab={text: number for text, number in vocab.items() if text != "<0x41>"})

    assert "<0x41>" in refused(folder)


def test_a_token_that_no_merge_makes_is_refused_where_llama_cpp_makes_it(folder: Path) -> None:
    vocab = ModelFolder(folder).tokenizer["model"]["vocab"]
    merges = [pair for pair in ModelFolder(folder).tokenizer["model"]["merges"] if "".join(pair) != "ab"]
    assert "ab" in vocab
    respell(folder, merges=merges)

    assert "has the token 'ab'" in refused(folder)


def test_the_score_is_the_rank_of_the_pair_that_is_really_joined() -> None:
    tokens = ["a", "b", "ab", "aab", "aa", "xyz"]
    merges = [("a", "b"), ("aa", "b"), ("a", "ab"), ("a", "a")]

    assert scores_of(tokens, merges, cut=()) == [-4.0, -4.0, 0.0, -2.0, -3.0, -4.0]


def joined(text: str, ranks: dict[tuple[str, str], int]) -> list[str]:
    """What BPE does, word for word: the lowest rank first, then the leftmost, until two are left."""
    parts = list(text)
    while len(parts) > 2 and (
        found := [(ranks[pair], place) for place, pair in enumerate(pairwise(parts)) if pair in ranks]
    ):
        place = min(found)[1]
        parts[place : place + 2] = [parts[place] + parts[place + 1]]
    return parts


@pytest.mark.parametrize("seed", range(40))
def test_scores_are_those_of_joining_pair_by_pair(seed: int) -> None:
    drawn = random.Random(seed)
    tokens = ["a", "b"]
    while len(tokens) < 40:
        tokens.append(drawn.choice(tokens) + drawn.choice(tokens))
    tokens = list(dict.fromkeys(tokens))
    pairs = {(text[:cut], text[cut:]) for text in tokens for cut in range(1, len(text))}
    merges = sorted(pair for pair in pairs if set(pair) <= set(tokens))
    drawn.shuffle(merges)
    ranks = {pair: rank for rank, pair in enumerate(merges)}

    last = [(text, joined(text, ranks)) for text in tokens]
    missing = next((text for text, parts in last if len(parts) == 2 and tuple(parts) not in ranks), None)
    told = [-float(ranks[*parts] if len(parts) == 2 else len(merges)) for _, parts in last if not missing]
    assert scores_of(tokens, merges, cut=()) == (missing or told)


def test_a_token_of_very_many_letters_is_scored_as_well() -> None:
    tokens = ["a" * 2**power for power in range(18)]
    merges = [(text, text) for text in tokens[:-1]]

    assert scores_of(tokens, merges, cut=()) == [-17.0, *(-float(rank) for rank in range(17))]


@pytest.mark.parametrize(
    ("added", "clash"),
    [
        (("<b>", "</b>", "\n\n", "\n\n\n"), None),
        (("ab", "bcd"), ("ab", "bcd")),
        (("abc", "cd"), None),
        (("ab", "bc"), ("ab", "bc")),
    ],
)
def test_added_tokens_that_overlap_are_found(added: tuple[str, ...], clash: tuple[str, str] | None) -> None:
    assert clash_of(added) == clash


@pytest.mark.parametrize(
    ("template", "begins"),
    [
        ("{{ bos_token }}x", True),
        ("{%- if a %}\n{%- set b = 1 %}{% endif %}{{- bos_token }}", True),
        ("x{{ bos_token }}", False),
        ("{{ bos_tokens }}", False),
        (None, False),
    ],
)
def test_a_template_begins_with_the_first_token_or_not(template: str | None, *, begins: bool) -> None:
    assert begins_with_special(template) is begins
