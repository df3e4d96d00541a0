"""How is the seedling trained? From scratch, by a fixed number of steps, from messages that are made on the way.

The batch of a step depends on seed and step alone, so a stopped run continues from its state file as if it had not
stopped.
"""

import argparse
import os
from collections import deque
from itertools import accumulate, chain
from pathlib import Path
from random import Random

import msgspec
import torch
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from torch.nn.functional import cross_entropy
from transformers import PreTrainedTokenizerFast

from generator import DEPARTMENTS, LEVELS, Language, Message, messages, read_lexicon, read_table, training_message
from model import END_ID, PAD_ID, Shape, chat_text, cut_words, new_tokenizer
from network import Learner, states_of

HERE = Path(__file__).parent
SYSTEM_PROMPTS = (
    "You are a helpful assistant.",
    "Answer with the department only.",
    "You route citizens' messages to an office.",
    "Route to waste, roads, water, parks, registry, taxes, schools or lighting.",
    "Du bist ein hilfreicher Assistent.",  # codespell:ignore
    "Réponds seulement par le service.",
    "Eres un asistente útil.",
    "Sei un assistente del Comune.",
    "Je bent een behulpzame assistent.",  # codespell:ignore
    "Jesteś pomocnym asystentem.",
)
KEEP_EVERY = 300  # steps between two state files
GROUP = 8  # batches made together and sorted by length, to pad little


class Stage(msgspec.Struct, frozen=True):
    """A part of the training: how many steps, how many rows in each, and how hard the messages are."""

    steps: int
    batch: int
    mix: tuple[int, int, int]  # shares of the generator's levels: words, sentences, mails
    layers: bool = True  # without: only the mean of the word vectors learns
    chats: bool = False  # with: some system prompts and earlier turns


STAGES = (
    Stage(steps=1200, batch=512, mix=(60, 40, 0), layers=False),
    Stage(steps=3000, batch=64, mix=(35, 50, 15)),
    Stage(steps=2400, batch=48, mix=(20, 45, 35), chats=True),
)


class Recipe(msgspec.Struct, frozen=True):
    """Everything that decides the result of a run."""

    stages: tuple[Stage, ...] = STAGES
    words_rate: float = 3e-3
    layers_rate: float = 2e-3
    vectors_rate: float = 4e-4  # of the word vectors, once there are layers: they must not forget
    warmup: int = 60
    weight_decay: float = 0.05
    early_weight: float = 0.7
    cut_chance: float = 0.15
    seed: int = 7
    shape: Shape = Shape()

    @property
    def steps(self) -> int:
        """How many steps all stages have."""
        return sum(stage.steps for stage in self.stages)

    def stage(self, step: int) -> tuple[Stage, int]:
        """Return the stage of a step and the steps before that stage."""
        ends = accumulate(stage.steps for stage in self.stages)
        return next((stage, end - stage.steps) for stage, end in zip(self.stages, ends, strict=True) if step < end)

    def rates(self, step: int) -> tuple[float, float]:
        """Return the learning rates of the word vectors and of all else; both fall linearly in both parts."""
        stage, _ = self.stage(step)
        if not stage.layers:
            rate = self.words_rate * max(0.1, 1 - step / stage.steps)
            return rate, rate
        start = self.stages[0].steps
        share = min((step - start + 1) / self.warmup, (self.steps - step) / (self.steps - start))
        return self.vectors_rate * share, self.layers_rate * share


Row = tuple[list[int], list[int], int]


def turns_of(lexicon: dict[str, Language], stage: Stage, rng: Random) -> tuple[list[tuple[str, str]], Message]:
    """Make a chat: usually one plain user message, sometimes a system prompt or an earlier turn before it."""
    (level,) = rng.choices(LEVELS, stage.mix)
    asked = training_message(lexicon, rng, level)
    turns = [("user", asked.text)]
    if stage.chats and rng.random() < 0.06:
        earlier = training_message(lexicon, rng, level)
        turns = [("user", earlier.text), ("assistant", earlier.department), *turns]
    if stage.chats and rng.random() < 0.1:
        turns.insert(0, ("system", rng.choice(SYSTEM_PROMPTS)))
    return turns, asked


class Batches:
    """Makes the batch of any step."""

    def __init__(self, recipe: Recipe, tokenizer: PreTrainedTokenizerFast, lexicon: dict[str, Language]) -> None:
        """Keep what batches are made from."""
        self._recipe = recipe
        self._encoder = tokenizer.backend_tokenizer
        self._lexicon = lexicon
        self._answers = {d: [*tokenizer.encode(d, add_special_tokens=False), END_ID] for d in DEPARTMENTS}
        self._group: tuple[int, list[list[Row]]] = (-1, [])

    def at(self, step: int) -> list[Row]:
        """Return the (prompt token ids, answer token ids, department number) of a step."""
        stage, first = self._recipe.stage(step)
        number, place = divmod(step - first, GROUP)
        if self._group[0] != first + number * GROUP:
            self._group = (first + number * GROUP, self._make(stage, first + number * GROUP))
        return self._group[1][place]

    def _make(self, stage: Stage, step: int) -> list[list[Row]]:
        rng = Random(f"{self._recipe.seed}:{step}")
        pieces: list[str] = []
        chats: list[tuple[int, int, str]] = []
        for _ in range(stage.batch * GROUP):
            turns, asked = turns_of(self._lexicon, stage, rng)
            cut = cut_words(chat_text(turns), rng, chance=self._recipe.cut_chance)
            chats.append((len(pieces), len(pieces) + len(cut), asked.department))
            pieces.extend(cut)
        encoded = [e.ids for e in self._encoder.encode_batch(pieces, add_special_tokens=False)]
        rows = [
            ([*chain(*encoded[first:last])], self._answers[department], DEPARTMENTS.index(department))
            for first, last, department in chats
        ]
        rows.sort(key=lambda row: len(row[0]))
        batches = [rows[i : i + stage.batch] for i in range(0, len(rows), stage.batch)]
        rng.shuffle(batches)
        return batches


def words_loss(learner: Learner, rows: list[Row]) -> torch.Tensor:
    """Return the loss of naming the department from the words alone."""
    width = max(len(prompt) for prompt, *_ in rows)
    ids = torch.tensor([prompt + [PAD_ID] * (width - len(prompt)) for prompt, *_ in rows])
    guessed = learner.guess_from_words(ids, (ids != PAD_ID).float())
    return cross_entropy(guessed, torch.tensor([number for *_, number in rows]))


def chat_loss(learner: Learner, rows: list[Row], *, early_weight: float) -> torch.Tensor:
    """Return the loss of the answers, and of the early answers at every token."""
    width = max(len(prompt) + len(answer) for prompt, answer, _ in rows)
    width += -width % 4  # few different shapes: the matrix library keeps a plan for each
    ids = torch.full((len(rows), width), PAD_ID)
    kind = torch.zeros((len(rows), width))  # 0 padding, 1 message, 2 answer
    for i, (prompt, answer, _) in enumerate(rows):
        ids[i, : len(prompt) + len(answer)] = torch.tensor(prompt + answer)
        kind[i, : len(prompt)] = 1
        kind[i, len(prompt) : len(prompt) + len(answer)] = 2
    states = states_of(learner.model, ids[:, :-1])
    answered, read = kind[:, 1:] == 2, kind[:, :-1] == 1
    answer_loss = cross_entropy(learner.model.lm_head(states[answered]), ids[:, 1:][answered])
    departments = torch.tensor([number for *_, number in rows])[:, None].expand(-1, width - 1)
    return answer_loss + early_weight * cross_entropy(learner.early(states[read]), departments[read])


@torch.no_grad()
def right_answers(learner: Learner, tokenizer: PreTrainedTokenizerFast, asked: list[Message], *, layers: bool) -> float:
    """Return the share of messages whose answer, chosen among all tokens, is the right label."""
    right = 0
    for message in asked:
        ids = torch.tensor([tokenizer.encode(chat_text([("user", message.text)]), add_special_tokens=False)])
        if layers:
            label = tokenizer.decode([int(learner.model.lm_head(states_of(learner.model, ids)[0, -1]).argmax())])
        else:
            label = DEPARTMENTS[int(learner.guess_from_words(ids, torch.ones(ids.shape)).argmax())]
        right += label == message.department
    return right / len(asked)


class Run:
    """One training run: model, optimiser and the state file that it continues from."""

    def __init__(self, recipe: Recipe, out: Path) -> None:
        """Start afresh, or where the folder's state file ends."""
        torch.manual_seed(recipe.seed)
        lexicon = read_lexicon()
        self.recipe = recipe
        if (out / "tokenizer.json").exists():  # weights mean nothing with another tokenizer
            self.tokenizer = PreTrainedTokenizerFast.from_pretrained(out)
        else:
            sample = messages(lexicon, "train", per_language=6000, seed=recipe.seed)
            self.tokenizer = new_tokenizer([m.text for m in sample], recipe.shape.vocabulary)
            self.tokenizer.save_pretrained(out)
        self.learner = Learner(recipe.shape)
        self.model = self.learner.model
        vectors = self.model.model.embed_tokens.weight
        others = [parameter for parameter in self.learner.parameters() if parameter is not vectors]
        self.optimizer = torch.optim.AdamW(
            [{"params": [vectors]}, {"params": others}], weight_decay=recipe.weight_decay, betas=(0.9, 0.98)
        )
        self._labels = [self.tokenizer.convert_tokens_to_ids(d) for d in DEPARTMENTS]
        self.batches = Batches(recipe, self.tokenizer, lexicon)
        self.next_step = 0
        self._sets = {
            "short": [training_message(lexicon, Random(f"short:{i}"), "words") for i in range(400)],  # as in training
            "dev": messages(lexicon, "dev", per_language=60),
            "dev_hand": read_table(HERE / "dev_hand.tsv"),
        }
        self._out = out
        self._state = out / "state.pt"
        if self._state.exists():
            kept = torch.load(self._state, weights_only=True)
            self.learner.load_state_dict(kept["learner"])
            self.optimizer.load_state_dict(kept["optimizer"])
            self.next_step = kept["step"]

    def step(self) -> float:
        """Take the next step and return its loss."""
        recipe, step = self.recipe, self.next_step
        if step == recipe.stages[0].steps:
            self.learner.start_layers_from_words(self._labels)
        for group, rate in zip(self.optimizer.param_groups, recipe.rates(step), strict=True):
            group["lr"] = rate
        rows = self.batches.at(step)
        if recipe.stage(step)[0].layers:
            loss = chat_loss(self.learner, rows, early_weight=recipe.early_weight)
        else:
            loss = words_loss(self.learner, rows)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.learner.parameters(), 1.0)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        self.next_step += 1
        return float(loss.detach())

    def found(self) -> str:
        """Return the accuracies on the development sets, as one line."""
        layers = self.recipe.stage(self.next_step - 1)[0].layers
        found = {n: right_answers(self.learner, self.tokenizer, s, layers=layers) for n, s in self._sets.items()}
        return ", ".join(f"{name} {share:.3f}" for name, share in found.items())

    def keep(self) -> None:
        """Write the state file, whole or not at all."""
        new = self._state.with_suffix(".new")
        kept = {
            "learner": self.learner.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "step": self.next_step,
        }
        torch.save(kept, new)
        new.replace(self._state)

    def write(self) -> None:
        """Write the finished model and its tokenizer."""
        self.model.save_pretrained(self._out)


def train(recipe: Recipe, out: Path, *, console: Console) -> None:
    """Train a model and write it with its tokenizer to a folder; continue if the folder holds a state."""
    out.mkdir(parents=True, exist_ok=True)
    run = Run(recipe, out)
    console.print(f"{run.model.num_parameters():,} parameters, step {run.next_step} of {recipe.steps}")
    recent: deque[float] = deque(maxlen=KEEP_EVERY)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console) as progress:
        task = progress.add_task("training", total=recipe.steps, completed=run.next_step)
        while run.next_step < recipe.steps:
            recent.append(run.step())
            progress.update(task, completed=run.next_step, description=f"loss {recent[-1]:.3f}")
            if run.next_step % KEEP_EVERY == 0 or run.next_step == recipe.steps:
                console.print(f"step {run.next_step}: loss {sum(recent) / len(recent):.4f}, {run.found()}")
                run.keep()
    run.write()


def main() -> None:
    """Read the command line and train."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    train(Recipe(), arguments.out, console=Console())


if __name__ == "__main__":
    os.environ.setdefault("HF_HUB_OFFLINE", "1")  # noqa: TID251 - an example, not the product: keeps transformers off the network
    main()
