"""Tokens a second of Hortus' trainer over a plain TRL script, on the same examples and model, in turn.

The model has random weights. Both train with the same batches' size, steps, rate and type of numbers; Hortus reports
every step, takes the held-out loss and writes checkpoints besides. Padding is not counted as tokens. Both times hold
loading the model. On the processor they are its seconds, which other programs on the machine do not stretch.

Usage: training.py [--gpu] [--steps 60] [--rounds 3] [--threads 1] [--full] [--json FILE]
"""

from __future__ import annotations

import argparse
import random
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import msgspec
import torch
from datasets import Dataset
from peft import LoraConfig
from rich.console import Console
from rich.table import Table
from transformers import AutoModelForCausalLM, AutoTokenizer, LlamaConfig, LlamaForCausalLM, PrinterCallback, set_seed
from transformers.utils import logging
from trl import SFTConfig, SFTTrainer

from hortus.app.clock import SystemClock
from hortus.jobs.examples import HELD_OUT, TRAIN, Example, write_examples
from hortus.jobs.spec import JobSpec, Lora, Recipe
from hortus.jobs.steps import TrainStep
from hortus.tuning.ground import Ground
from hortus.tuning.preparing import lay_ground
from hortus.tuning.recipes.scratch import learn_tokenizer
from hortus.tuning.stepping import make_steps

LORA = Lora(rank=16, alpha=32.0)


class Size(NamedTuple):
    """What is trained: of about a million parameters, or of about a billion."""

    hidden: int
    layers: int
    heads: int
    key_value_heads: int
    inner: int
    vocabulary: int
    words: int
    batch: int


SMALL = Size(128, 4, 4, 2, 384, 4096, words=16, batch=16)
LARGE = Size(2048, 16, 32, 8, 8192, 32000, words=400, batch=8)


class Rate(NamedTuple):
    """One run."""

    tokens: int
    seconds: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--gpu", action="store_true")
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--full", action="store_true")
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    if asked.gpu and not torch.cuda.is_available():
        sys.exit("There is no GPU here.")
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    size = LARGE if asked.gpu else SMALL
    recipe = Recipe(
        steps=asked.steps,
        batch_size=size.batch,
        learning_rate=1e-4,
        lora=None if asked.full else LORA,
        max_tokens=4096,
        threads=asked.threads,
    )
    with tempfile.TemporaryDirectory() as folder:
        rounds = measure(Path(folder), size=size, recipe=recipe, rounds=asked.rounds)
    tell(rounds, size=size, recipe=recipe, file=asked.json)


def measure(root: Path, *, size: Size, recipe: Recipe, rounds: int) -> list[tuple[Rate, Rate]]:
    """Return the pairs of runs, Hortus first in every second round; the first pair warms up and is left out."""
    examples = [example(random.Random(line), line, words=size.words) for line in range(1, 601)]
    write_base(root / "base", examples, size=size)
    write_examples(root / TRAIN, examples[:-16])
    write_examples(root / HELD_OUT, examples[-16:])
    pairs = []
    for number in range(rounds + 1):
        shown = replace_steps(recipe, 5) if number == 0 else recipe
        ground = lay(root, root / f"job-{number}", recipe=shown)
        if number % 2:
            ours, theirs = hortus(ground), plain(ground)
        else:
            theirs, ours = plain(ground), hortus(ground)
        pairs.append((ours, theirs))
    return pairs[1:]


def replace_steps(recipe: Recipe, steps: int) -> Recipe:
    return msgspec.structs.replace(recipe, steps=steps)


def example(draw: random.Random, line: int, *, words: int) -> Example:
    text = " ".join(f"w{draw.randrange(1500)}" for _ in range(draw.randint(words // 2, words)))
    answer = " ".join(f"w{draw.randrange(1500)}" for _ in range(words // 4))
    return Example(f"{line:08d}", line, [{"role": "user", "content": text}], {"role": "assistant", "content": answer})


def write_base(folder: Path, examples: list[Example], *, size: Size) -> None:
    texts = [one.prompt[0]["content"] for one in examples]
    tokenizer = learn_tokenizer(texts, vocabulary=min(4096, size.vocabulary), context_tokens=4096)
    set_seed(0)
    model = LlamaForCausalLM(
        LlamaConfig(
            vocab_size=size.vocabulary,
            hidden_size=size.hidden,
            intermediate_size=size.inner,
            num_hidden_layers=size.layers,
            num_attention_heads=size.heads,
            num_key_value_heads=size.key_value_heads,
            max_position_embeddings=4096,
            tie_word_embeddings=True,
            bos_token_id=tokenizer.bos_token_id,
            eos_token_id=tokenizer.eos_token_id,
            pad_token_id=tokenizer.pad_token_id,
        )
    )
    model.to(torch.bfloat16 if size is LARGE else torch.float32).save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def lay(root: Path, folder: Path, *, recipe: Recipe) -> Ground:
    job = JobSpec(id="ftjob-bench", project_id="bench", base="random", training="none", recipe=recipe)
    work = TrainStep(job, str(root / "base"), "random", str(root), str(folder))
    ground = lay_ground(work, report=lambda _: None, clock=SystemClock())
    ground.folder.checkpoints.mkdir(parents=True)
    return ground


def hortus(ground: Ground) -> Rate:
    """Train as a job does, from the first step to the last checkpoint."""
    start = seconds(ground)
    trainer = make_steps(ground)
    return Rate(trainer.state.num_input_tokens_seen, seconds(ground) - start)


def seconds(ground: Ground) -> float:
    return time.perf_counter() if ground.device.gpus else time.process_time()


def plain(ground: Ground) -> Rate:
    """Train with TRL's own classes and nothing else."""
    on_gpu, recipe = ground.device.gpus > 0, ground.recipe
    start = seconds(ground)
    half = on_gpu and ground.device.bfloat16 and recipe.lora is not None
    model = AutoModelForCausalLM.from_pretrained(ground.base, dtype=torch.bfloat16 if half else torch.float32)
    trainer = SFTTrainer(
        model=model,
        args=SFTConfig(
            output_dir=str(ground.folder.root / "plain"),
            max_steps=ground.steps,
            per_device_train_batch_size=recipe.batch_size,
            learning_rate=ground.rate,
            max_length=None,
            bf16=ground.device.bfloat16,
            use_cpu=not on_gpu,
            activation_checkpointing=ground.arguments(parameters=model.num_parameters())["activation_checkpointing"],
            save_strategy="no",
            report_to=[],
            disable_tqdm=True,
        ),
        train_dataset=Dataset.from_list(ground.rows.train),
        processing_class=AutoTokenizer.from_pretrained(ground.base),
        peft_config=None if recipe.lora is None else LoraConfig(r=16, lora_alpha=32, target_modules="all-linear"),
    )
    trainer.remove_callback(PrinterCallback)
    trainer.train()
    return Rate(trainer._total_train_tokens, seconds(ground) - start)


def tell(rounds: list[tuple[Rate, Rate]], *, size: Size, recipe: Recipe, file: Path | None) -> None:
    device = torch.cuda.get_device_name(0) if torch.cuda.is_available() else f"{torch.get_num_threads()} threads"
    kind = "all weights" if recipe.lora is None else "LoRA"
    table = Table(
        "round", "Hortus tokens/s", "plain TRL tokens/s", "ratio", title=f"{kind}, {recipe.steps} steps, {device}"
    )
    ratios = []
    for number, (ours, theirs) in enumerate(rounds, start=1):
        own, other = ours.tokens / ours.seconds, theirs.tokens / theirs.seconds
        ratios.append(own / other)
        table.add_row(str(number), f"{own:,.0f}", f"{other:,.0f}", f"{own / other:.3f}")
    table.add_row("median", "", "", f"{statistics.median(ratios):.3f}")
    Console().print(table)
    if file is not None:
        told = {"device": device, "kind": kind, "size": size._asdict(), "steps": recipe.steps, "ratios": ratios}
        file.write_bytes(msgspec.json.encode(told | {"rounds": [[one._asdict() for one in pair] for pair in rounds]}))


if __name__ == "__main__":
    main()
