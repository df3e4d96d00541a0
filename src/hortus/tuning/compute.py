"""How much compute did a training run take, and does it pass the line beyond which one becomes the model's provider?

Pure arithmetic with its inputs kept beside the result; the estimate and the reasoning are stored with every product.
"""

from __future__ import annotations

from datetime import date
from typing import Literal

import msgspec

Method = Literal["scratch", "full", "lora", "dpo-full", "dpo-lora"]
Denominator = Literal["base", "systemic risk", "other"]
Verdict = Literal["not above", "above", "own model"]

# Commission guidelines on the scope of the obligations of providers of general-purpose models, C(2025) 7719, points
# 57 to 63: a third of the base's training compute; where that is neither known nor estimable, a third of 10^25 for a
# base with systemic risk and of 10^23 for any other.
# https://artificialintelligenceact.eu/gpai-guidelines-overview, read 2026-11
_SHARE = 3
_SYSTEMIC_RISK_FLOP = 1e25
_OTHER_FLOP = 1e23

# Forward 2, gradient of activations 2, gradient of weights 2, each for one parameter and token. (Kaplan et al.,
# "Scaling Laws for Neural Language Models", section 2.1, recalled 2026-11.)
_FORWARD, _BACK_THROUGH, _WEIGHT_GRADIENT = 2.0, 2.0, 2.0
_FORMULAS: dict[Method, str] = {
    "scratch": "6·N·D",
    "full": "6·N·D",
    "lora": "4·(N-m)·D + 6·n·D",
    "dpo-full": "6·N·D + 2·N·D (reference model)",
    "dpo-lora": "4·(N-m)·D + 6·n·D + 2·N·D (reference model)",
}


class Work(msgspec.Struct, frozen=True):
    """What was computed.

    Attributes:
        parameters: N: of the base, active for a token; adapters not counted.
        trainable: n: those that learnt.
        trainable_of_base: m: those of them that are the base's own, such as embeddings, and so counted in N already.
        tokens: D: that went through, repeated passes counted again; of pairs both answers.
        held_out_tokens: That only went forward.
        earlier_flop: Of earlier rounds on the same base by the same organisation.
    """

    method: Method
    parameters: int
    trainable: int
    tokens: int
    trainable_of_base: int = 0
    held_out_tokens: int = 0
    earlier_flop: float = 0.0


class Hardware(msgspec.Struct, frozen=True):
    """The other way to estimate: devices, seconds, their peak and how much of it was used at most, multiplied."""

    devices: int
    seconds: float
    peak_flop_s: float
    utilisation: float = 1.0


# Dense bfloat16 peaks of tensor cores without sparsity: https://www.nvidia.com/en-us/data-center/, recalled 2026-11.
_PEAK_FLOP_S = {"A100": 312e12, "H100 PCIe": 756e12, "H100": 989e12, "H200": 989e12, "L40S": 362e12, "L4": 121e12}


def hardware_of(device: str, *, gpus: int, seconds: float) -> Hardware | None:
    """Return what is known of a device, None where its peak is not."""
    if not gpus:
        return None
    named = [name for name in _PEAK_FLOP_S if name in device]
    return Hardware(gpus, seconds, _PEAK_FLOP_S[max(named, key=len)]) if named else None


class Comparison(msgspec.Struct, frozen=True):
    """One denominator of the one-third test, and how far the run is from it."""

    denominator: Denominator
    original_flop: float
    threshold_flop: float
    share: float
    above: bool


class Compute(msgspec.Struct, frozen=True):
    """A run's estimated training compute with the comparison that the guidelines ask for.

    Attributes:
        flop: Of this run and earlier ones, by the parameters' method.
        hardware_flop: By the hardware's, an upper bound; None where the device's peak is unknown.
        comparisons: With all denominators that can be formed.
        decided_by: Which of them decides: the base's own compute where it is known; None for a model from scratch.
        threshold_flop: Its third; from scratch the line above which a model is taken for a general-purpose one.
        base_is_small: Whether the base, by its own compute, is no general-purpose model: the test is not about it then.
    """

    flop: float
    formula: str
    work: Work
    hardware: Hardware | None
    hardware_flop: float | None
    comparisons: tuple[Comparison, ...]
    decided_by: Denominator | None
    threshold_flop: float
    verdict: Verdict
    estimated_on: date
    base_is_small: bool = False
    source: str = "C(2025) 7719, points 57-63"


class Base(msgspec.Struct, frozen=True):
    """What is known of a base's own training; None: nothing."""

    training_flop: float | None = None
    systemic_risk: bool | None = None


def estimate_flop(work: Work) -> float:
    """Return a run's floating-point operations.

    >>> estimate_flop(Work("full", parameters=10, trainable=10, tokens=100))
    6000.0
    """
    adapted = work.method in {"lora", "dpo-lora"}
    if adapted:
        per_token = (_FORWARD + _BACK_THROUGH) * (work.parameters - work.trainable_of_base)
        per_token += (_FORWARD + _BACK_THROUGH + _WEIGHT_GRADIENT) * work.trainable
    else:
        per_token = (_FORWARD + _BACK_THROUGH + _WEIGHT_GRADIENT) * work.parameters
    reference = _FORWARD * work.parameters if work.method.startswith("dpo") else 0.0
    forward_only = (_FORWARD * work.parameters + reference) * work.held_out_tokens
    return (per_token + reference) * work.tokens + forward_only + work.earlier_flop


def compare(work: Work, *, base: Base, on: date, hardware: Hardware | None = None) -> Compute:
    """Return the estimate with the verdict of the one-third test.

    A base whose systemic risk is unknown is judged by the lower line. The higher of the two estimates is not used: the
    hardware's is an upper bound that counts waiting as work.
    """
    flop = estimate_flop(work)
    by_hardware = None if hardware is None else _hardware_flop(hardware)
    comparisons = () if work.method == "scratch" else _comparisons(flop, base)
    decided_by = None if work.method == "scratch" else _denominator(base)
    decisive = next((one for one in comparisons if one.denominator == decided_by), None)
    return Compute(
        flop=flop,
        formula=_FORMULAS[work.method],
        work=work,
        hardware=hardware,
        hardware_flop=by_hardware,
        comparisons=comparisons,
        decided_by=decided_by,
        threshold_flop=_OTHER_FLOP if decisive is None else decisive.threshold_flop,
        verdict=_verdict(decisive),
        base_is_small=base.training_flop is not None and base.training_flop < _OTHER_FLOP,
        estimated_on=on,
    )


def _verdict(decisive: Comparison | None) -> Verdict:
    if decisive is None:
        return "own model"
    return "above" if decisive.above else "not above"


def _hardware_flop(hardware: Hardware) -> float:
    return hardware.devices * hardware.seconds * hardware.peak_flop_s * hardware.utilisation


def _denominator(base: Base) -> Denominator:
    if base.training_flop is not None:
        return "base"
    return "systemic risk" if base.systemic_risk else "other"


def _comparisons(flop: float, base: Base) -> tuple[Comparison, ...]:
    known = () if base.training_flop is None else (_comparison("base", base.training_flop, flop),)
    systemic = _comparison("systemic risk", _SYSTEMIC_RISK_FLOP, flop)
    return (*known, systemic, _comparison("other", _OTHER_FLOP, flop))


def _comparison(denominator: Denominator, original: float, flop: float) -> Comparison:
    threshold = original / _SHARE
    return Comparison(denominator, original, threshold, flop / threshold, flop > threshold)
