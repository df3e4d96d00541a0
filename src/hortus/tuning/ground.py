"""What every recipe stands on: the run's settings, rows, device and folders, and TRL's arguments made from them."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from transformers import AutoModelForCausalLM, PreTrainedModel, PreTrainedTokenizerBase

from hortus.base.time import Clock
from hortus.jobs.errors import StepError
from hortus.jobs.folders import JobFolder
from hortus.jobs.reports import Report
from hortus.jobs.spec import JobSpec, Recipe

_SCHEDULES = {"constant": "constant_with_warmup", "linear": "linear", "cosine": "cosine"}
_BETA2 = 0.95
"""Of Adam: forgets faster than its usual 0.999, for runs of hundreds of steps."""
_LARGE = 500_000_000
"""Parameters from which on a GPU's memory is spared by computing activations twice."""
_MOST_METRICS = 400


@dataclass(frozen=True)
class Device:
    """What computes.

    Attributes:
        gpus: How many of them this machine lends; 0: the processor.
        bfloat16: Whether the run computes in it; weights that learn stay in float32.
    """

    gpus: int
    bfloat16: bool
    name: str


@dataclass(frozen=True)
class Rows:
    """Tokenised examples, as the recipe's trainer takes them."""

    train: list[dict[str, Any]]
    held_out: list[dict[str, Any]]
    lengths: list[int]

    @property
    def held_out_tokens(self) -> int:
        """Tokens of one look at what is held out."""
        return sum(_tokens(row) for row in self.held_out)


@dataclass(frozen=True)
class Ground:
    """A run's ground.

    Attributes:
        base: Folder of the model that is the start: config, tokenizer and, but from scratch, weights.
        processes: That train together, each with batches of its own.
        steps: How many there are to be at most.
        order: Indices of the examples, step after step.
        rate: The highest learning rate.
    """

    job: JobSpec
    base: Path
    folder: JobFolder
    tokenizer: PreTrainedTokenizerBase
    rows: Rows
    device: Device
    processes: int
    steps: int
    order: Sequence[int]
    rate: float
    clock: Clock
    report: Callable[[Report], None]

    @property
    def recipe(self) -> Recipe:
        """The run's settings."""
        return self.job.recipe

    @property
    def log_every(self) -> int:
        """Steps between metrics."""
        return max(1, self.steps // _MOST_METRICS)

    def train_dataset(self) -> Dataset:
        """Return the examples for TRL."""
        return Dataset.from_list(self.rows.train)

    def held_out_dataset(self) -> Dataset | None:
        """Return what is held out for TRL."""
        return Dataset.from_list(self.rows.held_out) if self.rows.held_out else None

    def arguments(self, *, parameters: int) -> dict[str, Any]:
        """Return the arguments that all of TRL's trainers share."""
        recipe, on_gpu = self.recipe, self.device.gpus > 0
        return {
            "output_dir": str(self.folder.checkpoints),
            "max_steps": self.steps,
            "per_device_train_batch_size": recipe.batch_size,
            "per_device_eval_batch_size": recipe.batch_size,
            "gradient_accumulation_steps": recipe.accumulate,
            "learning_rate": self.rate,
            "lr_scheduler_type": _SCHEDULES[recipe.schedule],
            "warmup_steps": round(recipe.warmup_share * self.steps),
            "weight_decay": recipe.weight_decay,
            "max_grad_norm": recipe.clip,
            "adam_beta2": _BETA2,
            "optim": "adamw_torch",
            "seed": recipe.seed,
            "data_seed": recipe.seed,
            "use_cpu": not on_gpu,
            "bf16": self.device.bfloat16,
            "activation_checkpointing": on_gpu and parameters >= _LARGE,
            "max_length": None,  # longer ones were refused
            "logging_strategy": "no",  # Watch says when
            "eval_strategy": "no",
            "save_strategy": "no",
            "logging_nan_inf_filter": False,
            "include_num_input_tokens_seen": "non_padding",
            "dataloader_pin_memory": on_gpu,
            "report_to": [],
            "disable_tqdm": True,
            "log_level": "error",
        }


def _tokens(row: dict[str, Any]) -> int:
    if "input_ids" in row:
        return len(row["input_ids"])
    return 2 * len(row["prompt_ids"]) + len(row["chosen_ids"]) + len(row["rejected_ids"])


def find_device(recipe: Recipe) -> Device:
    """Say what computes, and make it do so the same way each time."""
    torch.set_num_threads(recipe.threads or len(os.sched_getaffinity(0)))
    torch.use_deterministic_algorithms(mode=True, warn_only=torch.cuda.is_available())
    if not torch.cuda.is_available():
        return Device(0, bfloat16=recipe.precision == "bfloat16", name="cpu")
    bfloat16 = recipe.precision != "float32" and torch.cuda.is_bf16_supported()
    return Device(torch.cuda.device_count(), bfloat16=bfloat16, name=torch.cuda.get_device_name(0))


def load_model(folder: Path, *, dtype: torch.dtype = torch.float32) -> PreTrainedModel:
    """Load a model's weights from safetensors; nothing in its folder is executed.

    Raises:
        StepError: `bad_base`.
    """
    try:
        return AutoModelForCausalLM.from_pretrained(
            folder, dtype=dtype, local_files_only=True, use_safetensors=True, trust_remote_code=False
        )
    except (OSError, ValueError, KeyError) as error:
        raise StepError(
            f"The base cannot be loaded ({type(error).__name__}).",
            reason="bad_base",
            path=folder.name,
            hint="It needs config.json, a tokenizer and weights as safetensors of an architecture that is known here.",
        ) from error
