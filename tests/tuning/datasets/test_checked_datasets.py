"""A file that is fit gives a dataset: its examples as Parquet, split for good, and the figures about them."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import msgspec
import pytest

from examples_ground import TEMPLATE, chat, checked, encode, good_chat, lines, work_of
from hortus.jobs.errors import StepError
from hortus.jobs.examples import HELD_OUT, TRAIN, Example, read_examples
from hortus.jobs.reports import Progress, Report
from hortus.jobs.steps import CheckStep
from hortus.tuning.datasets.figures import DatasetFacts

CHATS = [good_chat(n) for n in range(20)]


def train_of(work: CheckStep) -> list[Example]:
    return list(read_examples(Path(work.datasets) / checked(work).dataset / TRAIN))


def all_of(work: CheckStep) -> list[Example]:
    folder = Path(work.datasets) / checked(work).dataset
    both = [*read_examples(folder / TRAIN), *read_examples(folder / HELD_OUT)]
    return sorted(both, key=lambda one: (one.source, one.line, len(one.prompt)))


def test_keeps_every_example_once_on_one_side(tmp_path: Path) -> None:
    examples = all_of(work_of(tmp_path, lines(CHATS)))
    assert [[*one.prompt, one.answer] for one in examples] == [one["messages"] for one in CHATS]


def test_holds_out_the_share_that_is_asked_for(tmp_path: Path) -> None:
    facts = checked(work_of(tmp_path, lines(CHATS), share=0.25)).facts
    assert (facts.train, facts.held_out, facts.held_out_from) == (15, 5, "split")


def test_holds_out_the_held_out_file(tmp_path: Path) -> None:
    work = work_of(tmp_path, lines(CHATS), validation=lines([good_chat(99)]))
    folder = Path(work.datasets) / checked(work).dataset
    assert [one.source for one in read_examples(folder / HELD_OUT)] == ["validation"]
    assert [one.source for one in read_examples(folder / TRAIN)] == ["training"] * 20


def test_learns_from_each_answer_of_a_chat(tmp_path: Path) -> None:
    long = chat("One?", "First.", "Two?", "Second.", "Three?", "Third.")
    examples = all_of(work_of(tmp_path, lines([*CHATS, long])))
    assert [one.answer["content"] for one in examples if one.line == 21] == ["First.", "Second.", "Third."]


def test_keeps_a_chat_on_one_side(tmp_path: Path) -> None:
    chats = [chat(f"One {n}?", f"First {n}.", f"Two {n}?", f"Second {n}.") for n in range(20)]
    work = work_of(tmp_path, lines(chats), share=0.5)
    folder = Path(work.datasets) / checked(work).dataset
    sides = [{one.line for one in read_examples(folder / name)} for name in (TRAIN, HELD_OUT)]
    assert not sides[0] & sides[1]
    assert sides[1]


def test_does_not_learn_from_answers_of_weight_0(tmp_path: Path) -> None:
    long = chat("One?", "First.", "Two?", "Second.")
    long["messages"][1]["weight"] = 0
    examples = all_of(work_of(tmp_path, lines([*CHATS, long])))
    assert [one.answer["content"] for one in examples if one.line == 21] == ["Second."]


def test_keeps_no_weight_in_what_models_read(tmp_path: Path) -> None:
    long = chat("One?", "First.", "Two?", "Second.")
    long["messages"][1]["weight"] = 0
    example = all_of(work_of(tmp_path, lines([*CHATS, long])))[-1]
    assert example.prompt[1] == {"role": "assistant", "content": "First."}


def test_reads_prompts_with_completions(tmp_path: Path) -> None:
    values = [{"prompt": f"Where is {n}?", "completion": f"Behind {n * n}."} for n in range(20)]
    example = all_of(work_of(tmp_path, lines(values)))[3]
    assert (example.prompt, example.answer) == (
        [{"role": "user", "content": "Where is 3?"}],
        {"role": "assistant", "content": "Behind 9."},
    )


def test_reads_prompts_that_are_messages(tmp_path: Path) -> None:
    values = [{"prompt": one["messages"][:1], "completion": one["messages"][1:]} for one in CHATS]
    examples = all_of(work_of(tmp_path, lines(values)))
    assert [[*one.prompt, one.answer] for one in examples] == [one["messages"] for one in CHATS]


@pytest.mark.parametrize("form", ["openai", "hugging face", "implicit prompt"])
def test_reads_preferences_of_each_form(form: str, tmp_path: Path) -> None:
    def pair(number: int) -> dict[str, object]:
        asked, chosen = good_chat(number)["messages"]
        rejected = {"role": "assistant", "content": "No idea."}
        if form == "openai":
            return {
                "input": {"messages": [asked]},
                "preferred_output": [chosen],
                "non_preferred_output": [rejected],
            }
        if form == "implicit prompt":
            return {"chosen": [asked, chosen], "rejected": [asked, rejected]}
        return {"prompt": asked["content"], "chosen": chosen["content"], "rejected": "No idea."}

    examples = all_of(work_of(tmp_path, lines(pair(n) for n in range(20)), method="dpo"))
    assert [[*one.prompt, one.answer] for one in examples] == [one["messages"] for one in CHATS]
    assert {one.rejected["content"] for one in examples if one.rejected} == {"No idea."}


def test_reads_plain_text_for_training_from_scratch(tmp_path: Path) -> None:
    values = [{"text": f"The story of number {n} and its {n * n} friends."} for n in range(20)]
    examples = all_of(work_of(tmp_path, lines(values), method="scratch"))
    assert [one.answer["content"] for one in examples] == [one["text"] for one in values]
    assert all(one.is_text for one in examples)


def test_reads_developers_as_system(tmp_path: Path) -> None:
    value = {"messages": [{"role": "developer", "content": "Be brief."}, *good_chat(50)["messages"]]}
    assert all_of(work_of(tmp_path, lines([*CHATS, value])))[-1].prompt[0]["role"] == "system"


def test_writes_arguments_of_calls_as_the_wire_has_them(tmp_path: Path) -> None:
    tool = {"type": "function", "function": {"name": "look"}}
    called = {"type": "function", "function": {"name": "look", "arguments": {"at": "town hall"}}}
    value = {
        "messages": [{"role": "user", "content": "Is it open?"}, {"role": "assistant", "tool_calls": [called]}],
        "tools": [tool],
    }
    example = all_of(work_of(tmp_path, lines([*CHATS, value])))[-1]
    assert example.answer["tool_calls"][0]["function"]["arguments"] == '{"at":"town hall"}'
    assert example.tools == [tool]


def test_a_host_s_base_may_read_pictures(tmp_path: Path) -> None:
    picture = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}}
    value = chat("a", "A dog.")
    value["messages"][0]["content"] = [{"type": "text", "text": "What is it?"}, picture]
    examples = all_of(work_of(tmp_path, lines([*CHATS, value]), is_hosted=True))
    assert examples[-1].prompt[0]["content"][1] == picture


def test_counts_tokens_as_the_base_does(tmp_path: Path) -> None:
    work = work_of(tmp_path, lines(CHATS))
    example = all_of(work)[0]
    said, answer = example.prompt[0]["content"], example.answer["content"]
    assert example.tokens == len(said) + len(answer) + 4 + 2  # each byte, four special tokens, two line breaks


def test_adds_up_the_tokens(tmp_path: Path) -> None:
    work = work_of(tmp_path, lines(CHATS))
    figures = checked(work).facts.tokens
    tokens = [one.tokens for one in all_of(work)]
    assert (figures.total, figures.longest, sum(figures.histogram.values())) == (sum(tokens), max(tokens), 20)


def test_estimates_the_tokens_of_a_host(tmp_path: Path) -> None:
    result = checked(work_of(tmp_path, lines(CHATS), is_hosted=True))
    assert result.facts.tokens.is_estimated
    assert result.estimate.seconds is None
    assert result.estimate.tokens > 0


def test_the_spelling_of_json_changes_nothing(tmp_path: Path) -> None:
    spelled = "".join(json.dumps(dict(reversed(one.items())), indent=None) + "\r\n" for one in CHATS).encode()
    one, other = checked(work_of(tmp_path / "a", lines(CHATS))), checked(work_of(tmp_path / "b", spelled))
    assert (one.dataset, one.facts.content) == (other.dataset, other.facts.content)


def test_other_content_is_another_dataset(tmp_path: Path) -> None:
    one, other = checked(work_of(tmp_path / "a", lines(CHATS))), checked(work_of(tmp_path / "b", lines(CHATS[1:])))
    assert one.dataset != other.dataset


def test_another_split_is_another_dataset_of_the_same_content(tmp_path: Path) -> None:
    one, other = (checked(work_of(tmp_path, lines(CHATS), share=share)) for share in (0.1, 0.3))
    assert (one.dataset == other.dataset, one.facts.content == other.facts.content) == (False, True)


def test_another_template_is_another_dataset(tmp_path: Path) -> None:
    one = checked(work_of(tmp_path / "a", lines(CHATS)))
    other = checked(work_of(tmp_path / "b", lines(CHATS), template=TEMPLATE.replace("end|>\n", "end|>")))
    assert one.dataset != other.dataset


def test_the_same_files_give_the_same_bytes(tmp_path: Path) -> None:
    folders = []
    for name in ("a", "b"):
        work = work_of(tmp_path / name, lines(CHATS), job_id=name)
        folders.append(Path(work.datasets) / checked(work).dataset)
    assert {one.name: one.read_bytes() for one in folders[0].iterdir()} == {
        one.name: one.read_bytes() for one in folders[1].iterdir()
    }


def test_a_dataset_that_is_there_is_not_written_again(tmp_path: Path) -> None:
    work = work_of(tmp_path, lines(CHATS))
    folder = Path(work.datasets) / checked(work).dataset
    (folder / TRAIN).write_bytes(b"as it was")
    assert checked(work).dataset == folder.name
    assert (folder / TRAIN).read_bytes() == b"as it was"


def test_what_a_killed_check_left_is_in_nobody_s_way(tmp_path: Path) -> None:
    work = work_of(tmp_path, lines(CHATS))
    aside = Path(work.datasets) / f".{checked(work_of(tmp_path / 'b', lines(CHATS))).dataset}-job_1"
    aside.mkdir(parents=True)
    (aside / TRAIN).write_bytes(b"half of it")
    folder = Path(work.datasets) / checked(work).dataset
    assert [one.name for one in Path(work.datasets).iterdir()] == [folder.name]
    assert len(list(read_examples(folder / TRAIN))) == 18


def test_keeps_the_facts_beside_the_examples(tmp_path: Path) -> None:
    work = work_of(tmp_path, lines(CHATS))
    result = checked(work)
    kept = (Path(work.datasets) / result.dataset / "facts.json").read_bytes()
    assert msgspec.json.decode(kept, type=DatasetFacts) == result.facts
    assert str(tmp_path).encode() not in kept


def test_says_which_bytes_were_checked(tmp_path: Path) -> None:
    data = lines(CHATS).replace(b"\n", b"\r\n")
    facts = checked(work_of(tmp_path, data, validation=lines([good_chat(99)]))).facts
    digests = [hashlib.sha256(one).hexdigest() for one in (data, lines([good_chat(99)]))]
    assert [facts.training_sha256, facts.validation_sha256] == digests


def test_counts_labels(tmp_path: Path) -> None:
    names = ["roads", "waste"] * 20
    values = [chat(good_chat(n)["messages"][0]["content"], name) for n, name in enumerate(names)]
    labels = checked(work_of(tmp_path, lines(values))).facts.labels
    assert labels is not None
    assert (labels.counts, labels.entropy_bits) == ({"roads": 20, "waste": 20}, 1.0)


def test_holds_out_the_same_share_of_each_label(tmp_path: Path) -> None:
    names = ["roads"] * 40 + ["waste"] * 10
    values = [chat(good_chat(n)["messages"][0]["content"], name) for n, name in enumerate(names)]
    work = work_of(tmp_path, lines(values), share=0.2)
    held = read_examples(Path(work.datasets) / checked(work).dataset / HELD_OUT)
    assert sorted(one.answer["content"] for one in held) == ["roads"] * 8 + ["waste"] * 2


def test_free_answers_are_no_labels(tmp_path: Path) -> None:
    assert checked(work_of(tmp_path, lines(CHATS))).facts.labels is None


def test_counts_languages(tmp_path: Path) -> None:
    values = [chat(f"Wo kann ich den Ausweis Nummer {n} verlängern?", f"Im Amt {n}.") for n in range(20)]
    assert checked(work_of(tmp_path, lines(values))).facts.languages == {"de": 20}


def test_counts_personal_data_and_never_keeps_it(tmp_path: Path) -> None:
    values = [*CHATS, chat("Write to ana@example.org and bo@example.org.", "Both have it.")]
    work = work_of(tmp_path, lines(values))
    found = checked(work).facts.personal_data["email"]
    assert (found.count, found.lines, found.first_lines) == (2, 1, (21,))


def test_estimates_work_by_parameters_and_tokens(tmp_path: Path) -> None:
    work = work_of(tmp_path, lines(CHATS))
    header = encode({"w": {"dtype": "F32", "shape": [10, 10], "data_offsets": [0, 400]}})
    base = Path(str(work.base))
    (base / "model.safetensors").write_bytes(len(header).to_bytes(8, "little") + header + bytes(400))
    (base / "config.json").write_bytes(encode({"architectures": ["LlamaForCausalLM"], "vocab_size": 261}))
    result = checked(work)
    train = sum(one.tokens for one in train_of(work))
    assert (result.estimate.parameters, result.estimate.tokens) == (100, 3 * train)
    assert result.estimate.method.startswith("4 operations for each parameter and token")


def test_says_how_far_it_is(tmp_path: Path) -> None:
    reports: list[Report] = []
    checked(work_of(tmp_path, lines(CHATS)), reports)
    for phase in ("check", "write"):
        done = [one.done for one in reports if isinstance(one, Progress) and one.phase == phase]
        assert done == sorted(done)
        assert done[-1] == len(lines(CHATS))


def test_a_base_without_a_tokenizer_is_refused(tmp_path: Path) -> None:
    work = work_of(tmp_path, lines(CHATS))
    (Path(str(work.base)) / "tokenizer.json").unlink()
    with pytest.raises(StepError, match=r"no tokenizer\.json"):
        checked(work)


def test_a_broken_template_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StepError, match="chat template is broken"):
        checked(work_of(tmp_path, lines(CHATS), template="{% for %}"))


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    work = work_of(tmp_path, lines(CHATS))
    Path(work.training).unlink()
    with pytest.raises(StepError, match="training file is not there"):
        checked(work)
