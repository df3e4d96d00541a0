"""The one-third comparison: each denominator, the line itself, and models that are their own."""

from __future__ import annotations

from datetime import date

import pytest

from hortus.tuning.compute import Base, Compute, Hardware, Work, compare, estimate_flop, hardware_of

DAY = date(2026, 11, 23)


def full(*, parameters: float, tokens: float) -> Work:
    return Work("full", parameters=int(parameters), trainable=int(parameters), tokens=int(tokens))


def judged(work: Work, base: Base) -> Compute:
    return compare(work, base=base, on=DAY)


def test_full_tuning_takes_six_operations_for_each_parameter_and_token() -> None:
    assert estimate_flop(full(parameters=1000, tokens=50)) == 6 * 1000 * 50


def test_an_adapter_takes_four_for_the_frozen_and_six_for_its_own() -> None:
    work = Work("lora", parameters=1000, trainable=30, tokens=50)
    assert estimate_flop(work) == (4 * 1000 + 6 * 30) * 50


def test_embeddings_that_learn_are_counted_once() -> None:
    work = Work("lora", parameters=1000, trainable=130, trainable_of_base=100, tokens=50)
    assert estimate_flop(work) == (4 * 900 + 6 * 130) * 50


def test_preferences_add_a_forward_pass_of_the_reference() -> None:
    work = Work("dpo-full", parameters=1000, trainable=1000, tokens=50)
    assert estimate_flop(work) == (6 + 2) * 1000 * 50


def test_held_out_tokens_only_go_forward() -> None:
    work = Work("full", parameters=1000, trainable=1000, tokens=0, held_out_tokens=50)
    assert estimate_flop(work) == 2 * 1000 * 50


def test_a_known_base_is_the_denominator() -> None:
    found = judged(full(parameters=1e9, tokens=1e9), Base(3e23))
    assert (found.decided_by, found.threshold_flop, found.verdict) == ("base", pytest.approx(1e23), "not above")


@pytest.mark.parametrize(
    ("base", "named", "threshold"),
    [(Base(systemic_risk=True), "systemic risk", 1e25 / 3), (Base(), "other", 1e23 / 3)],
)
def test_an_unknown_base_is_replaced_by_its_class(base: Base, named: str, threshold: float) -> None:
    found = judged(full(parameters=1e9, tokens=1e9), base)
    assert (found.decided_by, found.threshold_flop) == (named, threshold)


def test_all_denominators_are_told_with_the_share_of_their_line() -> None:
    found = judged(full(parameters=1e9, tokens=1e9), Base(3e23))
    assert [one.denominator for one in found.comparisons] == ["base", "systemic risk", "other"]
    assert found.comparisons[0].share == pytest.approx(6e18 / 1e23)


def test_the_line_itself_is_not_above_it() -> None:
    work = full(parameters=100, tokens=50)
    assert judged(work, Base(3.0 * estimate_flop(work))).verdict == "not above"
    assert judged(work, Base(2.9 * estimate_flop(work))).verdict == "above"


def test_earlier_rounds_on_the_same_base_add_up() -> None:
    alone = judged(Work("full", parameters=1000, trainable=1000, tokens=50), Base(1e6))
    again = judged(Work("full", parameters=1000, trainable=1000, tokens=50, earlier_flop=1e5), Base(1e6))
    assert (alone.verdict, again.verdict) == ("not above", "above")


def test_a_base_below_the_general_purpose_line_is_said_to_be() -> None:
    assert judged(full(parameters=10, tokens=10), Base(1e12)).base_is_small
    assert not judged(full(parameters=10, tokens=10), Base()).base_is_small


def test_a_model_from_scratch_is_nobodys_modification() -> None:
    found = judged(Work("scratch", parameters=10, trainable=10, tokens=10), Base())
    assert (found.verdict, found.decided_by, found.comparisons) == ("own model", None, ())


def test_the_hardware_method_multiplies_what_is_known() -> None:
    hardware = hardware_of("NVIDIA H100 80GB HBM3", gpus=2, seconds=10.0)
    assert hardware == Hardware(2, 10.0, 989e12)
    found = compare(full(parameters=10, tokens=10), base=Base(), on=DAY, hardware=hardware)
    assert found.hardware_flop == 2 * 10.0 * 989e12


@pytest.mark.parametrize(("name", "gpus"), [("cpu", 0), ("Some accelerator", 1)])
def test_hardware_of_unknown_peak_is_left_out(name: str, gpus: int) -> None:
    assert hardware_of(name, gpus=gpus, seconds=10.0) is None
