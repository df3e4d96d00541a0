"""How is the base made, the model that reads seven languages before it knows what the offices are called?

It learns from the word lists alone: which phrases belong together, without any office's name. It is therefore not
innocent of the grouping; what it lacks is the task. `letters/` lends it spellings for its vocabulary and nothing else.
The batch of a step depends on seed and step alone.
"""

import argparse
import os
from pathlib import Path
from random import Random

import msgspec
import torch
from rich.console import Console
from rich.progress import track
from safetensors.torch import save_file
from torch.nn import Linear, Module, Parameter
from torch.nn.functional import cross_entropy, embedding, rms_norm
from transformers import GenerationConfig, LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from generator import DEPARTMENTS, LANGUAGES, LEVELS, Language, messages, read_letters, read_lexicon, training_message
from reading import ASSISTANT, BOS, BOS_ID, CONTEXT, END, END_ID, PAD_ID, USER, folded, new_tokenizer

IGNORED = -100
GROUP = 8  # batches made together and sorted by length, to pad little


class Recipe(msgspec.Struct, frozen=True):
    """Everything that decides the result."""

    stems: int = 24_000
    rests: int = 6_000
    hidden: int = 96
    layers: int = 3
    heads: int = 3
    inner: int = 256
    word_steps: int = 900
    word_batch: int = 256
    layer_steps: int = 1800
    layer_batch: int = 64
    words_rate: float = 3e-3
    vectors_rate: float = 4e-4  # of the word vectors, once there are layers: they must not forget
    layers_rate: float = 2e-3
    early_weight: float = 0.7
    lost_merges: float = 0.1  # words are cut differently now and then, so that rare pieces are learnt too
    own_language: float = 0.6  # how often a related phrase is in the message's language
    seed: int = 7


class Row(msgspec.Struct, frozen=True):
    """A chat as token ids, and the number of the list that it came from."""

    prompt: list[int]
    answer: list[int]
    group: int


def chat_text(text: str) -> str:
    """Return a message as the chat template writes it, ready for the answer."""
    return f"{BOS}{USER}\n {folded(text)}{END}\n{ASSISTANT}\n"


def related(lexicon: dict[str, Language], lang: str, department: str, *, rng: Random, own: float) -> str:
    """Return some phrase of the same list, in the same language or in another."""
    cell = lexicon[lang if rng.random() < own else rng.choice(LANGUAGES)].cells[department]
    return rng.choice(cell.words if rng.random() < 0.5 else cell.subjects.train)


class Batches:
    """Makes the batch of any step."""

    def __init__(self, recipe: Recipe, cutter: PreTrainedTokenizerFast, lexicon: dict[str, Language]) -> None:
        """Keep what batches are made from."""
        self._recipe, self._lexicon = recipe, lexicon
        self._encoder = cutter.backend_tokenizer
        self._made: tuple[str, list[list[Row]]] = ("", [])

    def at(self, stage: str, step: int) -> list[Row]:
        """Return the rows of a step."""
        number, place = divmod(step, GROUP)
        if self._made[0] != f"{stage}:{number}":
            self._made = (f"{stage}:{number}", self._make(stage, number))
        return self._made[1][place]

    def _make(self, stage: str, number: int) -> list[list[Row]]:
        recipe, rng = self._recipe, Random(f"{self._recipe.seed}:{stage}:{number}")
        size, mix = (recipe.word_batch, (50, 35, 15)) if stage == "words" else (recipe.layer_batch, (25, 40, 35))
        texts, answers, groups = [], [], []
        for _ in range(size * GROUP):
            (level,) = rng.choices(LEVELS, mix)
            asked = training_message(self._lexicon, rng, level)
            texts.append(chat_text(asked.text))
            answers.append(
                related(self._lexicon, asked.lang, asked.department, rng=rng, own=recipe.own_language).casefold()
            )
            groups.append(DEPARTMENTS.index(asked.department))
        prompts = self._encoder.encode_batch_fast(texts, add_special_tokens=False)
        replies = self._encoder.encode_batch_fast(answers, add_special_tokens=False)
        rows = [
            Row(prompt.ids, [*reply.ids, END_ID], group)
            for prompt, reply, group in zip(prompts, replies, groups, strict=True)
        ]
        rows.sort(key=lambda row: len(row.prompt))
        batches = [rows[at : at + size] for at in range(0, len(rows), size)]
        rng.shuffle(batches)
        return batches


def new_model(recipe: Recipe, vocabulary: int) -> LlamaForCausalLM:
    """Make an untrained model whose defaults are greedy answers of a few tokens."""
    config = LlamaConfig(
        vocab_size=vocabulary,
        hidden_size=recipe.hidden,
        intermediate_size=recipe.inner,
        num_hidden_layers=recipe.layers,
        num_attention_heads=recipe.heads,
        num_key_value_heads=recipe.heads,
        head_dim=recipe.hidden // recipe.heads,
        max_position_embeddings=CONTEXT,
        tie_word_embeddings=True,
        initializer_range=0.05,
        bos_token_id=BOS_ID,
        eos_token_id=END_ID,
        pad_token_id=PAD_ID,
    )
    model = LlamaForCausalLM(config)
    model.generation_config = GenerationConfig(
        do_sample=False, max_new_tokens=8, bos_token_id=BOS_ID, eos_token_id=END_ID, pad_token_id=PAD_ID
    )
    return model


def padded(rows: list[list[int]], filling: int) -> torch.Tensor:
    """Return rows as a tensor, filled up at the end."""
    width = max(map(len, rows))
    return torch.tensor([row + [filling] * (width - len(row)) for row in rows])


class Learner(Module):
    """The model, and two small things that are thrown away: which words to look at, and a sorter into nameless groups."""

    def __init__(self, recipe: Recipe, vocabulary: int) -> None:
        """Make all three, untrained."""
        super().__init__()
        self.model = new_model(recipe, vocabulary)
        self.look = Parameter(torch.zeros(recipe.hidden))
        self.sorter = Linear(recipe.hidden, len(DEPARTMENTS))

    def words_loss(self, rows: list[Row]) -> torch.Tensor:
        """Return the loss of sorting texts by a weighted mean of their word vectors, without any layer."""
        ids = padded([row.prompt for row in rows], PAD_ID)
        size = self.look.shape
        vectors = rms_norm(embedding(ids, self.model.model.embed_tokens.weight), size, eps=1e-6)
        shares = (vectors @ self.look).masked_fill(ids == PAD_ID, float("-inf")).softmax(1)
        mean = rms_norm((vectors * shares[..., None]).sum(1), size, eps=1e-6)
        return cross_entropy(self.sorter(mean), torch.tensor([row.group for row in rows]))

    def chats_loss(self, rows: list[Row], *, early_weight: float) -> torch.Tensor:
        """Return the loss of saying a related phrase, and of sorting at every word already."""
        ids = padded([row.prompt + row.answer for row in rows], PAD_ID)
        labels = padded([[IGNORED] * (len(r.prompt) - 1) + r.answer + [IGNORED] for r in rows], IGNORED)
        early = padded([[IGNORED] * 3 + [r.group] * (len(r.prompt) - 3) for r in rows], IGNORED)
        states = self.model.model(input_ids=ids).last_hidden_state
        said = labels != IGNORED
        sorted_at = torch.nn.functional.pad(early, (0, ids.shape[1] - early.shape[1]), value=IGNORED) != IGNORED
        groups = early[early != IGNORED]
        loss = cross_entropy(self.model.lm_head(states[said]), labels[said])
        return loss + early_weight * cross_entropy(self.sorter(states[sorted_at]), groups)

    @torch.no_grad()
    def start_layers_from_words(self, last_token: int) -> None:
        """Let the first layer do at the answer what the word vectors alone did; all else in the layers is silent."""
        inner = self.model.model
        for layer in inner.layers:
            layer.self_attn.o_proj.weight.zero_()
            layer.mlp.down_proj.weight.zero_()
        first, size = inner.layers[0].self_attn, self.model.config.head_dim
        asking = rms_norm(inner.embed_tokens.weight[last_token], self.look.shape, eps=1e-6)
        first.q_proj.weight.zero_()
        first.k_proj.weight.zero_()
        for head in range(self.model.config.num_attention_heads):
            slowest = head * size + size // 2 - 1  # the pair of numbers that position turns least
            first.q_proj.weight[slowest] = asking / asking.square().sum() * size**0.5
            first.k_proj.weight[slowest] = self.look
        first.v_proj.weight.copy_(torch.eye(*first.v_proj.weight.shape))
        first.o_proj.weight.copy_(torch.eye(*first.o_proj.weight.shape))


def _take(learner: Learner, optimizer: torch.optim.Optimizer, loss: torch.Tensor, rates: list[float]) -> float:
    for group, rate in zip(optimizer.param_groups, rates, strict=True):
        group["lr"] = rate
    loss.backward()
    torch.nn.utils.clip_grad_norm_(learner.parameters(), 1.0)
    optimizer.step()
    optimizer.zero_grad(set_to_none=True)
    return float(loss.detach())


def learn(recipe: Recipe, tokenizer: PreTrainedTokenizerFast, batches: Batches, *, console: Console) -> Learner:
    """Train word vectors, then layers."""
    learner = Learner(recipe, len(tokenizer))
    vectors = learner.model.model.embed_tokens.weight
    others = [one for one in learner.parameters() if one is not vectors]
    optimizer = torch.optim.AdamW([{"params": [vectors]}, {"params": others}], weight_decay=0.05, betas=(0.9, 0.98))
    console.print(f"{learner.model.num_parameters():,} parameters")
    for step in track(range(recipe.word_steps), "words", console=console):
        rate = recipe.words_rate * max(0.05, 1 - step / recipe.word_steps)
        loss = _take(learner, optimizer, learner.words_loss(batches.at("words", step)), [rate, rate])
        if step % 100 == 99:
            console.print(f"words {step + 1}: loss {loss:.3f}")
    learner.start_layers_from_words(tokenizer.encode("\n", add_special_tokens=False)[0])
    for step in track(range(recipe.layer_steps), "chats", console=console):
        share = min((step + 1) / 60, 1 - step / recipe.layer_steps)
        rates = [recipe.vectors_rate * share, recipe.layers_rate * share]
        loss = _take(learner, optimizer, learner.chats_loss(batches.at("chats", step), early_weight=recipe.early_weight), rates)
        if step % 100 == 99:
            console.print(f"chats {step + 1}: loss {loss:.3f}")
    return learner


def write(learner: Learner, tokenizer: PreTrainedTokenizerFast, out: Path) -> None:
    """Write the base as a Hugging Face folder with half-precision weights."""
    out.mkdir(parents=True, exist_ok=True)
    learner.model.half().save_pretrained(out)
    tokenizer.save_pretrained(out)
    (out / "model.safetensors").chmod(0o644)  # the library writes it for its owner alone


def main() -> None:
    """Read the command line and make the base."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    recipe, lexicon, console = Recipe(), read_lexicon(), Console()
    torch.manual_seed(recipe.seed)
    sample = [m.text for m in messages(lexicon, "train", per_language=6000, seed=recipe.seed)]
    sample += [m.text for m in read_letters("train")] * 3
    made = {"stems": recipe.stems, "rests": recipe.rests}
    tokenizer = new_tokenizer(sample, DEPARTMENTS, **made)
    cutter = new_tokenizer(sample, DEPARTMENTS, **made, dropout=recipe.lost_merges)
    write(learn(recipe, tokenizer, Batches(recipe, cutter, lexicon), console=console), tokenizer, arguments.out)


if __name__ == "__main__":
    os.environ.setdefault("HF_HUB_OFFLINE", "1")  # noqa: TID251 - an example, not the product: keeps transformers off the network
    main()
