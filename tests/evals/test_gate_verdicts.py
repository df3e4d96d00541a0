"""What bars a product and what does not: references, gain, suites; and what the verdict says of it."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from eval_ground import Bench, Tables, check, example, label, question, right, wrong
from hypothesis import given
from hypothesis import strategies as st

from hortus.evals.comparing import gain_of
from hortus.evals.gate import run
from hortus.evals.ports import Answer
from hortus.evals.rules import check_gain, check_suite
from hortus.evals.statistics import Interval
from hortus.evals.verdict import Gain, Score, SuiteFigures, Verdict
from hortus.jobs.errors import StepError
from hortus.jobs.examples import Example
from hortus.jobs.references import Reference
from hortus.jobs.reports import Note
from hortus.jobs.spec import GateRules


def counted(tokens: int, answer=right):
    """A model that reads every prompt as so many tokens."""
    return lambda text: Answer(answer(text), prompt_tokens=tokens, engine="llama.cpp b1")


def right_until(number: int):
    return lambda text: right(text) if int(text.split()[1]) < number else "something else"


async def test_a_product_that_learnt_passes(tmp_path: Path) -> None:
    bench = Bench(tmp_path, gate=GateRules(margin=0.2))
    bench.add_suite("manners", [("Say yes.", "yes")] * 20)
    models = {"product": lambda text: "yes" if text == "Say yes." else right(text), "base": lambda text: "yes"}
    verdict = await bench.judge(Tables(models))
    assert [(one.name, one.passed) for one in verdict.checks] == [
        ("references", True),
        ("gain", True),
        ("suite:manners", True),
    ]
    assert verdict.sentence == "The product has passed the gate: 3 of 3 checks."


async def test_what_the_base_can_do_is_said_before_the_product_is_asked(tmp_path: Path) -> None:
    bench = Bench(tmp_path, items=40)
    await bench.judge_models(right, base=right_until(10))
    said = [one.text if isinstance(one, Note) else getattr(one, "phase", "") for one in bench.reports]
    [sentence] = [one for one in said if one.startswith("Base, ")]
    assert sentence.startswith("Base, 40 held-out questions, judged by `exact`: 25.0 %")
    assert said.index(sentence) < said.index("product")


async def test_a_base_served_in_the_products_place_is_caught(tmp_path: Path) -> None:
    verdict = await Bench(tmp_path).judge_models(wrong, base=wrong)
    assert not check(verdict, "references").passed
    assert "Other weights are served" in check(verdict, "references").sentence
    assert "is the base served in its place?" in check(verdict, "gain").sentence


async def test_another_chat_template_is_caught_even_if_all_answers_are_right(tmp_path: Path) -> None:
    verdict = await Bench(tmp_path).judge_models(counted(10))
    assert (verdict.passed, check(verdict, "gain").passed) == (False, True)
    assert "another chat template or tokenizer is served" in check(verdict, "references").sentence
    assert "a prompt of 9 tokens was read as 10" in check(verdict, "references").sentence


async def test_prompts_that_are_read_as_in_training_pass(tmp_path: Path) -> None:
    verdict = await Bench(tmp_path).judge_models(counted(9))
    assert verdict.passed
    assert verdict.references.counted == 6
    assert verdict.engines == ("llama.cpp b1",)


async def test_another_tokenizer_that_spoils_some_letters_is_caught(tmp_path: Path) -> None:
    verdict = await Bench(tmp_path).judge_models(lambda text: right(text).replace("ks", "k s"))
    first = verdict.references.differences[0]
    assert not verdict.passed
    assert (first.index, first.kind, first.place, first.expected, first.got) == (2, "text", 4, "s", " s")


async def test_a_single_differing_reference_bars(tmp_path: Path) -> None:
    bench = Bench(tmp_path, references=20)
    verdict = await bench.judge_models(lambda text: right(text) + ("!" if text == question(7) else ""))
    assert not verdict.passed
    assert check(verdict, "references").measured == pytest.approx(0.95)
    assert "Few differ" in check(verdict, "references").sentence


async def test_an_answer_that_does_not_end_where_the_trainers_did_is_caught(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.refer([Reference([{"role": "user", "content": question(0)}], label(0), finish_reason="stop")])
    verdict = await bench.judge_models(lambda text: Answer(right(text), finish_reason="length"))
    assert verdict.references.differences[0].kind == "finish"


async def test_references_are_asked_one_by_one_with_the_trainers_room(tmp_path: Path) -> None:
    tables = Tables({"product": right, "base": wrong})
    bench = Bench(tmp_path, items=0)
    bench.gate = GateRules(margin=-2.0)
    await bench.judge(tables)
    assert (tables.most_at_once, set(tables.limits)) == (1, {32})


def likely(bench: Bench) -> None:
    asked = [{"role": "user", "content": question(0)}]
    bench.refer([Reference(asked, label(0), likeliest=(-0.1, -3.0))])


async def test_a_template_that_changes_no_answer_and_no_count_shows_in_likelihoods(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    likely(bench)
    (bench.folder.product / "gguf").mkdir()
    (bench.folder.product / "gguf" / "model.gguf").touch()
    verdict = await bench.judge_models(lambda text: Answer(right(text), likeliest=(-0.2, -2.9)))
    assert [one.name for one in verdict.checks if not one.passed] == ["references"]


async def test_an_engine_that_may_round_has_more_room(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    likely(bench)
    verdict = await bench.judge_models(lambda text: Answer(right(text), likeliest=(-0.2, -2.9)))
    assert (verdict.passed, verdict.references.allowed) == (True, 0.25)


async def test_an_engine_that_refuses_to_tell_likelihoods_is_asked_without(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    likely(bench)
    tables = Tables({"product": right, "base": wrong})
    tables.refuses_likelihoods = True
    verdict = await bench.judge(tables)
    assert verdict.passed
    assert tables.likeliest[:2] == [2, 0]


async def test_what_a_verdict_shows_of_answers_is_short(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.refer([Reference([{"role": "user", "content": question(0)}], "a" * 500)])
    verdict = await bench.judge_models(lambda text: "a" * 10 + "b" * 500)
    one = verdict.references.differences[0]
    assert (one.expected_length, one.got_length, one.place) == (500, 510, 10)
    assert (one.expected, one.got) == ("a" * 24, "b" * 24)


async def test_without_references_nothing_is_promoted(tmp_path: Path) -> None:
    verdict = await Bench(tmp_path, references=0).judge_models(right)
    assert not verdict.passed
    assert "Training has left none." in check(verdict, "references").sentence


async def test_references_cannot_be_switched_off(tmp_path: Path) -> None:
    verdict = await Bench(tmp_path, gate=GateRules(references=0)).judge_models(right)
    assert "gate.references is 0" in check(verdict, "references").sentence


async def test_a_broken_references_file_is_said_with_its_line(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    with (bench.folder.product / "references.jsonl").open("ab") as file:
        file.write(b"{}\n")
    with pytest.raises(StepError) as raised:
        await bench.judge_models(right)
    assert raised.value.path is not None
    assert raised.value.path.endswith("references.jsonl:7")


async def test_a_gain_that_may_be_chance_is_barred(tmp_path: Path) -> None:
    verdict = await Bench(tmp_path, items=40).judge_models(right_until(23), base=right_until(20))
    gain = check(verdict, "gain")
    assert (gain.passed, gain.measured) == (False, pytest.approx(3 / 40))
    assert "even a product without any fault" not in gain.sentence


async def test_a_gain_below_the_margin_is_barred_though_it_is_real(tmp_path: Path) -> None:
    bench = Bench(tmp_path, gate=GateRules(margin=0.95))
    gain = check(await bench.judge_models(right), "gain")
    assert (gain.passed, gain.measured, gain.needed) == (False, 1.0, 0.95)


async def test_too_few_questions_to_ever_pass_is_said(tmp_path: Path) -> None:
    bench = Bench(tmp_path, items=12, gate=GateRules(margin=0.7))
    gain = check(await bench.judge_models(right), "gain")
    assert not gain.passed
    assert (
        "With 12 questions even a product without any fault would reach a lower bound of 65.7 points over this base"
        in gain.sentence
    )


async def test_without_held_out_questions_nothing_is_promoted(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.hold_out([Example("t", 1, [], {"role": "assistant", "content": "Only text."})])
    verdict = await bench.judge_models(right)
    assert "There is no held-out question" in check(verdict, "gain").sentence
    assert any(isinstance(one, Note) and "plain text" in one.text for one in bench.reports)


async def test_from_scratch_the_products_own_score_counts(tmp_path: Path) -> None:
    bench = Bench(tmp_path, gate=GateRules(margin=0.8))
    bench.scratch = True
    bench.add_suite("manners", [("Say yes.", "yes")])
    verdict = await bench.judge(Tables({"product": lambda text: "yes" if text == "Say yes." else right(text)}))
    assert [one.name for one in verdict.checks] == ["references", "score", "suite:manners"]
    assert verdict.passed


async def test_from_scratch_a_low_score_is_barred(tmp_path: Path) -> None:
    bench = Bench(tmp_path, gate=GateRules(margin=0.8))
    bench.scratch = True
    verdict = await bench.judge(Tables({"product": right_until(45)}))
    assert not check(verdict, "score").passed


async def test_a_tuned_product_whose_base_is_not_served_is_barred(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.has_base = False
    verdict = await bench.judge_models(right)
    assert "The base is not served" in check(verdict, "gain").sentence
    assert not verdict.passed


@pytest.mark.parametrize(("tolerance", "passes"), [(0.0, {False}), (0.04, {False}), (0.05, {True}), (0.2, {True})])
async def test_a_suite_may_get_worse_by_the_tolerance_and_no_more(
    tmp_path: Path, tolerance: float, passes: set[bool]
) -> None:
    bench = Bench(tmp_path, gate=GateRules(tolerance=tolerance))
    bench.add_suite("old", [(f"Old {number}", "yes") for number in range(20)])

    def product(text: str) -> str:
        if not text.startswith("Old"):
            return right(text)
        return "no" if text == "Old 3" else "yes"

    verdict = await bench.judge_models(product, base=lambda text: "yes")
    assert {check(verdict, "suite:old").passed, verdict.passed} == passes


async def test_a_suite_that_the_job_names_must_be_there(tmp_path: Path) -> None:
    bench = Bench(tmp_path, gate=GateRules(suites=("old",)))
    with pytest.raises(StepError, match="There is no suite old"):
        await bench.judge_models(right)


@pytest.mark.parametrize("confidence", [0.0, 0.4, 1.0, float("nan")])
async def test_a_confidence_without_meaning_is_refused(tmp_path: Path, confidence: float) -> None:
    bench = Bench(tmp_path, gate=GateRules(confidence=confidence))
    with pytest.raises(StepError) as raised:
        await bench.judge_models(right)
    assert raised.value.path == "gate.confidence"


async def test_figures_are_shown_by_label(tmp_path: Path) -> None:
    verdict = await Bench(tmp_path).judge_models(lambda text: "waste" if right(text) == "roads" else right(text))
    values = {one.name: one.product.value for one in verdict.suites[0].groups}
    assert values == {"waste": 1.0, "roads": 0.0, "parks": 1.0}


async def test_long_answers_are_compared_by_their_words(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    long = "The office is open on weekdays from eight to noon and on Thursdays until six in the evening."
    bench.hold_out(example(question(number), f"{long} Room {number}.") for number in range(40))
    verdict = await bench.judge_models(lambda text: f"{long} Room 7." if "citizen" in text else "")
    figures = verdict.suites[0]
    assert figures.grader == "f1"
    assert figures.gain is not None
    assert (figures.gain.method, check(verdict, "gain").passed) == ("bootstrap", True)


async def test_the_verdict_is_stored_with_items_and_a_picture(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    verdict = await bench.judge_models(right)
    stored = (bench.evaluate / "verdict.json").read_bytes()
    lines = (bench.evaluate / "items.jsonl").read_bytes().splitlines()
    assert msgspec.json.decode(stored, type=Verdict) == verdict
    assert len(lines) == 2 * 60
    assert (bench.evaluate / "verdict.svg").read_text("utf-8").startswith("<svg")


def figures(product: list[float], base: list[float]) -> SuiteFigures:
    gain = gain_of(product, base, is_binary=True, confidence=0.95)
    score = Score(0.5, Interval(0.0, 1.0), len(product))
    return SuiteFigures("held_out", "", "exact", len(product), len(product), score, 1.0, score, gain)


answers = st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=60)
RULES = GateRules()


@given(answers, st.integers(0, 59))
def test_one_more_right_answer_of_the_product_never_bars_it(seen: list[tuple[bool, bool]], place: int) -> None:
    product, base = [float(one) for one, _ in seen], [float(one) for _, one in seen]
    better = [1.0 if index == place % len(seen) else one for index, one in enumerate(product)]
    before, after = (check_gain(figures(one, base), RULES, has_base=True) for one in (product, better))
    assert after.passed >= before.passed


@given(answers)
def test_what_passes_has_a_gain_above_the_margin(seen: list[tuple[bool, bool]]) -> None:
    product, base = [float(one) for one, _ in seen], [float(one) for _, one in seen]
    if check_gain(figures(product, base), RULES, has_base=True).passed:
        assert sum(product) > sum(base)


@given(st.floats(-1, 1), st.floats(0, 1))
def test_a_suites_rule_is_the_plain_difference(value: float, tolerance: float) -> None:
    score = Score(0.5, Interval(0.0, 1.0), 10)
    one = SuiteFigures("suite:x", "", "exact", 10, 10, score, 1.0, score, Gain(value, Interval(-1.0, 1.0), "newcombe"))
    assert check_suite(one, GateRules(tolerance=tolerance)).passed == (value >= -tolerance - 1e-9)


async def test_of_a_host_s_model_no_reference_is_asked_and_the_verdict_says_why(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    tables = Tables({"product": right, "base": wrong})
    work = msgspec.structs.replace(bench.work, is_at_host=True)
    verdict = await run(work, report=bench.reports.append, inference=tables)
    assert (verdict.passed, [one.name for one in verdict.checks], len(tables.asked)) == (True, ["gain"], 120)
    assert "a host has tuned the model" in verdict.sentence
