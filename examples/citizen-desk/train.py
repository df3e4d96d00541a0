"""How is the seedling trained? From scratch, by a fixed number of steps, from messages that are made on the way.

The batch of a step depends on seed and step alone, so a stopped run continues from its state file as if it had not
stopped.
"""

import argparse
import os
from collections import deque
from itertools import chain
from pathlib import Path
from random import Random
from typing import Any

import msgspec
import torch
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from torch.nn import Linear, Module
from torch.nn.functional import cross_entropy
from transformers import AttentionInterface, AttentionMaskInterface, LlamaForCausalLM, PreTrainedTokenizerFast
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import sdpa_mask

from generator import DEPARTMENTS, Language, Message, messages, read_lexicon, read_table, training_message
from model import END_ID, PAD_ID, Shape, chat_text, cut_words, new_model, new_tokenizer

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


class Recipe(msgspec.Struct, frozen=True):
    """Everything that decides the result of a run."""

    steps: int = 5000
    batch: int = 48
    learning_rate: float = 3e-3
    warmup: int = 150
    weight_decay: float = 0.05
    text_weight: float = 0.3
    text_share: float = 0.3
    early_weight: float = 0.7
    cut_chance: float = 0.1
    seed: int = 7
    shape: Shape = Shape()


Row = tuple[list[int], list[int], int]


def attention_in_full_width(module: Module, *states: torch.Tensor, **options: Any) -> tuple[torch.Tensor, None]:
    """Attend in float32: on a processor the backward pass of half-width attention is several times slower."""
    with torch.autocast("cpu", enabled=False):
        query, key, value, mask = (s.float() if s is not None else None for s in states)
        return sdpa_attention_forward(module, query, key, value, mask, **options)


AttentionInterface.register("full_width", attention_in_full_width)
AttentionMaskInterface.register("full_width", sdpa_mask)


def turns_of(lexicon: dict[str, Language], rng: Random) -> tuple[list[tuple[str, str]], Message]:
    """Make a chat: usually one plain user message, sometimes a system prompt or an earlier turn before it."""
    asked = training_message(lexicon, rng)
    turns = [("user", asked.text)]
    if rng.random() < 0.05:
        earlier = training_message(lexicon, rng)
        turns = [("user", earlier.text), ("assistant", earlier.department), *turns]
    if rng.random() < 0.12:
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
        number, place = divmod(step, GROUP)
        if self._group[0] != number:
            self._group = (number, self._make(number))
        return self._group[1][place]

    def _make(self, number: int) -> list[list[Row]]:
        rng = Random(f"{self._recipe.seed}:{number}")
        size = self._recipe.batch
        pieces: list[str] = []
        chats: list[tuple[int, int, str]] = []
        for _ in range(size * GROUP):
            turns, asked = turns_of(self._lexicon, rng)
            cut = cut_words(chat_text(turns), rng, chance=self._recipe.cut_chance)
            chats.append((len(pieces), len(pieces) + len(cut), asked.department))
            pieces.extend(cut)
        encoded = [e.ids for e in self._encoder.encode_batch(pieces, add_special_tokens=False)]
        rows = [
            ([*chain(*encoded[first:last])], self._answers[department], DEPARTMENTS.index(department))
            for first, last, department in chats
        ]
        rows.sort(key=lambda row: len(row[0]))
        batches = [rows[i : i + size] for i in range(0, len(rows), size)]
        rng.shuffle(batches)
        return batches


class Learner(Module):
    """The model, and a second small output that is thrown away after training.

    It has to name the department at every token of the message already, so that each word learns directly where it
    belongs and not only by way of the answer at the end.
    """

    def __init__(self, shape: Shape) -> None:
        """Make both, untrained."""
        super().__init__()
        self.model = new_model(shape)
        self.model.set_attn_implementation("full_width")
        self.early = Linear(shape.hidden, len(DEPARTMENTS))


class Losses(msgspec.Struct, frozen=True):
    """The loss to minimise and the loss of the answers alone."""

    total: torch.Tensor
    answer: float


def loss_of(learner: Learner, rows: list[Row], recipe: Recipe, *, text_weight: float, picks: torch.Generator) -> Losses:
    """Return the loss of the answers, of the early answers, and of a share of the message's own tokens."""
    width = max(len(prompt) + len(answer) for prompt, answer, _ in rows)
    width += -width % 16  # few different shapes: the matrix library keeps a plan for each
    ids = torch.full((len(rows), width), PAD_ID)
    kind = torch.zeros((len(rows), width))  # 0 padding, 1 message, 2 answer
    for i, (prompt, answer, _) in enumerate(rows):
        ids[i, : len(prompt) + len(answer)] = torch.tensor(prompt + answer)
        kind[i, : len(prompt)] = 1
        kind[i, len(prompt) : len(prompt) + len(answer)] = 2
    # Padding stands at the end, so causal attention never sees it: no mask is needed.
    states = learner.model.model(input_ids=ids).last_hidden_state[:, :-1]
    targets, kind, place = ids[:, 1:], kind[:, 1:], kind[:, :-1]
    answered = kind == 2
    answer_loss = cross_entropy(learner.model.lm_head(states[answered]), targets[answered])
    departments = torch.tensor([number for *_, number in rows])[:, None].expand(-1, width - 1)
    early_loss = cross_entropy(learner.early(states[place == 1]), departments[place == 1])
    total = answer_loss + recipe.early_weight * early_loss
    if text_weight > 0:
        read = (kind == 1) & (torch.rand(kind.shape, generator=picks) < recipe.text_share)
        total = total + text_weight * cross_entropy(learner.model.lm_head(states[read]), targets[read])
    return Losses(total, float(answer_loss.detach()))


@torch.no_grad()
def accuracy(model: LlamaForCausalLM, tokenizer: PreTrainedTokenizerFast, asked: list[Message]) -> float:
    """Return the share of messages whose first answer token, chosen among all tokens, is the right label."""
    model.eval()
    right = 0
    prompts = [tokenizer.encode(chat_text([("user", m.text)]), add_special_tokens=False) for m in asked]
    for prompt, message in zip(prompts, asked, strict=True):
        logits = model(input_ids=torch.tensor([prompt])).logits[0, -1]
        right += tokenizer.decode([int(logits.argmax())]) == message.department
    model.train()
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
        self.optimizer = torch.optim.AdamW(
            self.learner.parameters(), lr=recipe.learning_rate, weight_decay=recipe.weight_decay, betas=(0.9, 0.95)
        )
        self.batches = Batches(recipe, self.tokenizer, lexicon)
        self.next_step = 0
        self._dev = messages(lexicon, "dev", per_language=60)
        self._hand = read_table(HERE / "dev_hand.tsv")
        self._out = out
        self._state = out / "state.pt"
        out.mkdir(parents=True, exist_ok=True)
        if self._state.exists():
            kept = torch.load(self._state, weights_only=True)
            self.learner.load_state_dict(kept["learner"])
            self.optimizer.load_state_dict(kept["optimizer"])
            self.next_step = kept["step"]
        self.model.train()

    def step(self) -> float:
        """Take the next step and return its answer loss."""
        loss = one_step(self.learner, self.optimizer, self.batches, recipe=self.recipe, step=self.next_step)
        self.next_step += 1
        return loss

    def found(self) -> str:
        """Return the accuracies on the development sets, as one line."""
        dev, hand = (accuracy(self.model, self.tokenizer, asked) for asked in (self._dev, self._hand))
        return f"dev {dev:.3f}, dev_hand {hand:.3f}"

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
    run = Run(recipe, out)
    console.print(f"{run.model.num_parameters():,} parameters, step {run.next_step} of {recipe.steps}")
    recent: deque[float] = deque(maxlen=KEEP_EVERY)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console) as progress:
        task = progress.add_task("training", total=recipe.steps, completed=run.next_step)
        while run.next_step < recipe.steps:
            recent.append(run.step())
            progress.update(task, completed=run.next_step, description=f"answer loss {recent[-1]:.3f}")
            if run.next_step % KEEP_EVERY == 0 or run.next_step == recipe.steps:
                console.print(f"step {run.next_step}: loss {sum(recent) / len(recent):.4f}, {run.found()}")
                run.keep()
    run.write()


def one_step(
    learner: Learner, optimizer: torch.optim.Optimizer, batches: Batches, *, recipe: Recipe, step: int
) -> float:
    """Take one step and return its answer loss."""
    left = 1 - step / recipe.steps
    rate = recipe.learning_rate * min(1.0, (step + 1) / recipe.warmup) * max(0.01, left)
    for group in optimizer.param_groups:
        group["lr"] = rate
    picks = torch.Generator().manual_seed(recipe.seed * 1_000_003 + step)
    text_weight = recipe.text_weight * max(0.0, 1 - step / (0.8 * recipe.steps))
    # Half-width products: on a processor with bfloat16 about 1.5 times as fast; weights and sums stay float32.
    with torch.autocast("cpu", dtype=torch.bfloat16):
        losses = loss_of(learner, batches.at(step), recipe, text_weight=text_weight, picks=picks)
    losses.total.backward()
    torch.nn.utils.clip_grad_norm_(learner.parameters(), 1.0)
    optimizer.step()
    optimizer.zero_grad(set_to_none=True)
    return losses.answer


def main() -> None:
    """Read the command line and train."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--steps", type=int, default=Recipe().steps)
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    train(Recipe(steps=arguments.steps), arguments.out, console=Console())


if __name__ == "__main__":
    os.environ.setdefault("HF_HUB_OFFLINE", "1")  # noqa: TID251 - an example, not the product: keeps transformers off the network
    main()
