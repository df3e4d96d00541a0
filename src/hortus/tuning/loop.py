"""The loop that all recipes share: what it reports, when it looks at what is held out, and how it survives a kill.

TRL's trainers do the steps. What is changed here: checkpoints appear whole, hold nothing that could execute code, and
the order of examples is settled beforehand, so that a run that was killed ends with the same weights.
"""

from __future__ import annotations

import resource
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
import torch
from safetensors.torch import load_file, save_file
from torch.utils.data import Sampler
from transformers import PrinterCallback, Trainer, TrainerCallback, TrainerControl, TrainerState
from typing_extensions import override

from hortus.jobs.reports import Checkpoint, Metric, Progress
from hortus.tuning.checkpoints import (
    PREFIX,
    Reached,
    aside_of,
    make_aside,
    note,
    put_in_place,
    sweep,
    written_whole,
)
from hortus.tuning.energy import Energy, Meter
from hortus.tuning.failures import check_figures
from hortus.tuning.ground import Ground

WEIGHTS = "weights.safetensors"
BEST = "best"


class InOrder(Sampler):
    """Yields the settled order."""

    def __init__(self, order: Sequence[int]) -> None:
        self._order = order

    @override
    def __iter__(self) -> Iterator[int]:
        return iter(self._order)

    def __len__(self) -> int:
        return len(self._order)


def held_out_losses(state: TrainerState) -> list[tuple[int, float]]:
    """Return the steps at which held-out loss was taken, with it; a resumed run knows those before the kill."""
    return [(one["step"], one["eval_loss"]) for one in state.log_history if "eval_loss" in one]


def is_out_of_patience(losses: Sequence[float], *, patience: int | None) -> bool:
    """Whether the last `patience` looks all found no lower loss than one before.

    >>> is_out_of_patience([3.0, 2.0, 2.5, 2.1], patience=2)
    True
    """
    return patience is not None and len(losses) > patience and min(losses[-patience:]) >= min(losses[:-patience])


class Watch(TrainerCallback):
    """Says when to log, look and save, and reports it.

    Args:
        before: What was reached where this process began.
    """

    def __init__(self, ground: Ground, *, meter: Meter, before: Reached) -> None:
        self._ground = ground
        self._meter = meter
        self._before = before
        self._began = self._mark = ground.clock.monotonic_s()
        self._tokens = before.tokens
        self._waiting: Metric | None = None
        self._last: Metric | None = None

    def reached(self, state: TrainerState, *, finished: bool) -> Reached:
        """Return what has been reached by now."""
        looks = held_out_losses(state)
        energy = self._energy()
        return Reached(
            state.global_step,
            finished=finished,
            seconds=self._before.seconds + self._ground.clock.monotonic_s() - self._began,
            energy_j=energy.joules,
            energy_source=energy.source,
            tokens=state.num_input_tokens_seen,
            held_out_tokens=len(looks) * self._ground.rows.held_out_tokens,
            best_step=min(looks, key=lambda look: look[1])[0] if looks else None,
        )

    @override
    def on_step_end(self, args: object, state: TrainerState, control: TrainerControl, **_: object) -> None:
        """Decide what follows this step; what is logged begins anew with each checkpoint, as after a kill."""
        recipe, step = self._ground.recipe, state.global_step
        last = step >= state.max_steps
        control.should_save = last or step % max(1, recipe.checkpoint_every) == 0
        looked_at = last or (recipe.evaluate_every > 0 and step % recipe.evaluate_every == 0)
        control.should_evaluate = bool(self._ground.rows.held_out) and looked_at
        control.should_log = control.should_save or control.should_evaluate or step % self._ground.log_every == 0

    @override
    def on_log(
        self,
        args: object,
        state: TrainerState,
        control: TrainerControl,
        logs: dict[str, float] | None = None,
        **_: object,
    ) -> None:
        """Report a step's figures, once the held-out loss is there where it is taken. Raises StepError."""
        if logs is None or "grad_norm" not in logs:
            return
        norm = logs["grad_norm"]
        check_figures(state.global_step, loss=logs["loss"], gradient_norm=norm, highest_rate=self._ground.rate)
        metric = self._metric(state, logs)
        if control.should_evaluate:
            self._waiting = metric
        else:
            self._say(metric)

    @override
    def on_evaluate(
        self,
        args: object,
        state: TrainerState,
        control: TrainerControl,
        metrics: dict[str, float] | None = None,
        **_: object,
    ) -> None:
        """Report the held-out loss and stop where patience has ended."""
        losses = [loss for _, loss in held_out_losses(state)]
        if self._waiting is not None:
            self._say(msgspec.structs.replace(self._waiting, held_out_loss=losses[-1]))
            self._waiting = None
        if is_out_of_patience(losses, patience=self._ground.recipe.patience):
            control.should_training_stop = control.should_save = True
        self._mark = self._ground.clock.monotonic_s()

    @override
    def on_save(self, args: object, state: TrainerState, control: TrainerControl, **_: object) -> None:
        """Report the checkpoint."""
        last = self._last
        loss, held_out = (None, None) if last is None else (last.loss, last.held_out_loss)
        name = f"{PREFIX}{state.global_step}"
        self._ground.report(Checkpoint(state.global_step, name, held_out_loss=held_out, loss=loss))
        self._mark = self._ground.clock.monotonic_s()

    def _say(self, metric: Metric) -> None:
        self._last = metric
        self._ground.report(metric)
        self._ground.report(Progress("train", metric.step, metric.steps))

    def _metric(self, state: TrainerState, logs: dict[str, float]) -> Metric:
        ground, now, tokens = self._ground, self._ground.clock.monotonic_s(), state.num_input_tokens_seen
        seconds, grown = now - self._mark, tokens - self._tokens
        self._mark, self._tokens = now, tokens
        energy = self._energy()
        return Metric(
            step=state.global_step,
            steps=ground.steps,
            loss=logs["loss"],
            learning_rate=logs["learning_rate"],
            gradient_norm=logs["grad_norm"],
            tokens=tokens,
            tokens_per_s=grown / seconds if seconds > 0 else None,
            memory_bytes=peak_memory(ground.device.gpus),
            energy_j=round(energy.joules, 3),
            energy_source=energy.source,
            epoch=state.global_step * len(ground.order) / ground.steps / len(ground.rows.train),
        )

    def _energy(self) -> Energy:
        used = self._meter.read()
        return Energy(self._before.energy_j + used.joules, used.source)


def peak_memory(gpus: int) -> int:
    """Return the most memory in bytes that was used at once: of the GPUs where there are some."""
    if gpus:
        return sum(int(torch.cuda.max_memory_allocated(index)) for index in range(gpus))
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


class Resumable(Trainer):
    """Mixed into TRL's trainers; `begin` must be called before `train`."""

    def begin(self, ground: Ground, watch: Watch) -> None:
        """Take over order, reports and checkpoints."""
        self._ground = ground
        self._watch = watch
        self._aside = ""
        self.remove_callback(PrinterCallback)
        self.add_callback(watch)

    def trainable(self) -> dict[str, torch.Tensor]:
        """Return the weights that learn, by name."""
        return {name: one for name, one in self.model.named_parameters() if one.requires_grad}

    def restore(self, checkpoint: Path) -> None:
        """Put a checkpoint's weights into the model. Raises OSError."""
        self._load_from_checkpoint(str(checkpoint))

    @override
    def evaluate(self, *args: Any, **kwargs: Any) -> dict[str, float]:
        """Take the held-out loss, and keep the weights where it is the lowest and somebody will ask for them."""
        figures: dict[str, float] = super().evaluate(*args, **kwargs)
        losses = [loss for _, loss in held_out_losses(self.state)]
        if self._ground.recipe.patience is not None and losses[-1] == min(losses) and self.args.should_save:
            with written_whole(self._ground.folder.checkpoints / BEST) as aside:
                self._save(str(aside))
        return figures

    @override
    def _get_train_sampler(self, train_dataset: object = None) -> Sampler:
        return InOrder(self._ground.order)

    @override
    def _save_checkpoint(self, model: object, trial: object) -> None:
        folder, name = self._ground.folder.checkpoints, f"{PREFIX}{self.state.global_step}"
        finished = self.control.should_training_stop
        aside = aside_of(folder / name)
        self._aside = str(aside)
        if self.args.should_save:
            make_aside(folder / name)
        self.accelerator.wait_for_everyone()
        super()._save_checkpoint(model, trial)
        self.accelerator.wait_for_everyone()
        if self.args.should_save:
            for one in (aside / name).iterdir():
                one.rename(aside / one.name)
            (aside / name).rmdir()
            note(aside, self._watch.reached(self.state, finished=finished))
            put_in_place(aside, folder / name)
            sweep(folder, kept=self._ground.recipe.checkpoints_kept)
        self.accelerator.wait_for_everyone()

    @override
    def _get_output_dir(self, trial: object) -> str:
        return self._aside or str(self.args.output_dir)

    @override
    def _save(self, output_dir: str | None = None, state_dict: object = None) -> None:
        if not self.args.should_save:
            return
        folder = Path(output_dir or self._aside)
        folder.mkdir(parents=True, exist_ok=True)
        weights = {name: one.detach().cpu().contiguous() for name, one in self.trainable().items()}
        save_file(weights, folder / WEIGHTS)

    @override
    def _load_from_checkpoint(self, resume_from_checkpoint: str, model: object = None) -> None:
        saved = load_file(Path(resume_from_checkpoint, WEIGHTS))
        with torch.no_grad():
            for name, one in self.trainable().items():
                one.copy_(saved[name])

    @override
    def floating_point_ops(self, inputs: object) -> int:
        """Count nothing: tuning/compute.py does, once."""
        return 0

    @override
    def create_model_card(self, *args: object, **kwargs: object) -> None:
        """Write none: the product has its own."""

    def _send_telemetry(self) -> None:
        """Tell nobody."""
