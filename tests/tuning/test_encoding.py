"""What is learnt is what is asked: prompts' tokens as at inference, answers alone in the loss, turns that end."""

from __future__ import annotations

from typing import Any

import pytest
from transformers import PreTrainedTokenizerFast

from hortus.jobs.errors import StepError
from hortus.jobs.examples import Example
from hortus.tuning.encoding import IGNORED, Encoder, preference_row, supervised_row
from hortus.tuning.recipes.scratch import END, learn_tokenizer

PROMPT = [{"role": "system", "content": "Route it."}, {"role": "user", "content": "The bin is full."}]
DRIFTING = (
    "{% for message in messages %}{{ loop.length }}{{ message['content'] }}{% endfor %}"
    "{% if add_generation_prompt %}answer:{% endif %}"
)
"""It counts the messages, so that a prompt reads otherwise once it is answered."""


@pytest.fixture(scope="module")
def tokenizer() -> PreTrainedTokenizerFast:
    return learn_tokenizer(["Route it. The bin is full. waste"], vocabulary=300, context_tokens=128)


def example(answer: object = "waste", **members: Any) -> Example:
    told = {"role": "assistant", "content": answer}
    return Example(**({"id": "1", "line": 7, "prompt": PROMPT, "answer": told} | members))


def encoder(tokenizer: PreTrainedTokenizerFast, *, max_tokens: int = 128) -> Encoder:
    return Encoder(tokenizer, ends=[], max_tokens=max_tokens)


def test_a_prompt_has_the_tokens_that_it_has_at_inference(tokenizer: PreTrainedTokenizerFast) -> None:
    encoded = encoder(tokenizer).encode(example())
    assert encoded is not None
    assert encoded.prompt == tokenizer.apply_chat_template(PROMPT, add_generation_prompt=True, return_dict=False)


def test_only_the_answer_and_the_end_of_its_turn_are_learnt(tokenizer: PreTrainedTokenizerFast) -> None:
    encoded = encoder(tokenizer).encode(example())
    assert encoded is not None
    row = supervised_row(encoded, whole=False)
    learnt = [label for label in row["labels"] if label != IGNORED]
    assert tokenizer.decode(learnt) == f"waste{END}"
    assert row["input_ids"][-len(learnt) :] == learnt


def test_from_scratch_everything_is_learnt(tokenizer: PreTrainedTokenizerFast) -> None:
    encoded = encoder(tokenizer).encode(example())
    assert encoded is not None
    row = supervised_row(encoded, whole=True)
    assert row["labels"] == row["input_ids"] == encoded.prompt + encoded.answer


def test_a_turn_that_the_template_does_not_end_is_ended() -> None:
    endless = learn_tokenizer(["waste"], vocabulary=300, context_tokens=128)
    endless.chat_template = "{% for message in messages %}{{ message['content'] }}{% endfor %}"
    encoded = encoder(endless).encode(example())
    assert encoded is not None
    assert endless.decode(encoded.answer) == f"waste{END}"


def test_plain_text_starts_and_ends_without_a_template(tokenizer: PreTrainedTokenizerFast) -> None:
    encoded = encoder(tokenizer).encode(example("The bin.", prompt=[]))
    assert encoded is not None
    assert tokenizer.decode(encoded.prompt + encoded.answer) == "<|bos|>The bin.<|end|>"


def test_an_answer_of_weight_zero_is_not_learnt(tokenizer: PreTrainedTokenizerFast) -> None:
    silent = Example("1", 7, PROMPT, {"role": "assistant", "content": "waste", "weight": 0})
    assert encoder(tokenizer).encode(silent) is None


def test_both_answers_of_a_preference_end_their_turns(tokenizer: PreTrainedTokenizerFast) -> None:
    encoded = encoder(tokenizer).encode(example(rejected={"role": "assistant", "content": "roads"}))
    assert encoded is not None
    row = preference_row(encoded)
    assert [tokenizer.decode(row[name]) for name in ("chosen_ids", "rejected_ids")] == ["waste<|end|>", "roads<|end|>"]


@pytest.mark.parametrize("answer", ["", None])
def test_an_empty_answer_is_refused_with_its_line(answer: str | None) -> None:
    tokenizer = learn_tokenizer(["waste"], vocabulary=300, context_tokens=128)
    tokenizer.chat_template = "{% for message in messages %}{{ message['content'] or '' }}<|end|>{% endfor %}"
    with pytest.raises(StepError, match="empty") as raised:
        encoder(tokenizer).encode(example(answer))
    assert (raised.value.reason, raised.value.path) == ("bad_data", "training file:7")


def test_too_long_an_example_is_refused(tokenizer: PreTrainedTokenizerFast) -> None:
    with pytest.raises(StepError, match="more than the recipe's 12") as raised:
        encoder(tokenizer, max_tokens=12).encode(example())
    assert raised.value.reason == "bad_data"


def test_plain_text_may_be_as_long_as_the_recipe_says(tokenizer: PreTrainedTokenizerFast) -> None:
    text = example("bin " * 10, prompt=[])
    long = len(tokenizer("bin " * 10, add_special_tokens=False)["input_ids"])
    assert encoder(tokenizer, max_tokens=long).encode(text) is not None


def test_a_template_that_rewrites_answered_prompts_is_refused() -> None:
    tokenizer = learn_tokenizer(["waste"], vocabulary=300, context_tokens=128)
    tokenizer.chat_template = DRIFTING
    with pytest.raises(StepError, match="differently once it is answered"):
        encoder(tokenizer).encode(example())


def test_a_template_that_refuses_the_messages_says_where() -> None:
    tokenizer = learn_tokenizer(["waste"], vocabulary=300, context_tokens=128)
    tokenizer.chat_template = "{{ raise_exception('no system messages') }}"
    with pytest.raises(StepError, match="cannot write these messages") as raised:
        encoder(tokenizer).encode(example())
    assert raised.value.path == "training file:7"
