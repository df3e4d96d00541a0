"""How is the base made, the model that reads seven languages before it knows what the offices are called?

It learns word vectors from the word lists alone: which phrases stand in one list, without any office's name. It is
therefore not innocent of the grouping; it has never seen a chat answered. `letters/` lends it spellings for its
vocabulary and nothing else. The batch of a step depends on seed and step alone.
"""

import argparse
import os
from pathlib import Path
from random import Random

import msgspec
import torch
from rich.console import Console
from rich.progress import track
from tokenizers import Tokenizer
from torch.nn import Linear, Module, Parameter
from torch.nn.functional import cross_entropy, embedding, rms_norm
from transformers import GenerationConfig, LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from generator import DEPARTMENTS, LEVELS, Language, messages, read_letters, read_lexicon, training_message
from reading import ASSISTANT, BOS, BOS_ID, CONTEXT, END, END_ID, PAD_ID, USER, folded, forgetful, new_tokenizer


class Recipe(msgspec.Struct, frozen=True):
    """Everything that decides the result."""

    stems: int = 20_000
    rests: int = 5_000
    hidden: int = 96
    layers: int = 3
    heads: int = 3
    inner: int = 256
    steps: int = 600
    batch: int = 256
    rate: float = 3e-3
    mix: tuple[int, int, int] = (50, 35, 15)  # shares of the generator's levels: words, sentences, mails
    lost_merges: float = 0.1  # words are cut differently in each step, so that rare pieces are learnt too
    seed: int = 7


def chat_text(text: str) -> str:
    """Return a message as the chat template writes it, ready for the answer."""
    return f"{BOS}{USER}\n {folded(text)}{END}\n{ASSISTANT}\n"


def batch_of(
    step: int, recipe: Recipe, tokenizer: Tokenizer, lexicon: dict[str, Language]
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the token ids of a step's chats, and the number of the list that each came from."""
    rng = Random(f"{recipe.seed}:{step}")
    asked = [training_message(lexicon, rng, rng.choices(LEVELS, recipe.mix)[0]) for _ in range(recipe.batch)]
    cutter = forgetful(tokenizer, rng, share=recipe.lost_merges)
    encoded = cutter.encode_batch_fast([chat_text(m.text) for m in asked], add_special_tokens=False)
    width = max(len(one.ids) for one in encoded)
    ids = [one.ids + [PAD_ID] * (width - len(one.ids)) for one in encoded]
    return torch.tensor(ids), torch.tensor([DEPARTMENTS.index(m.department) for m in asked])


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


class Learner(Module):
    """The model, and two small things thrown away later: which words to look at, and a sorter into nameless groups."""

    def __init__(self, recipe: Recipe, vocabulary: int) -> None:
        """Make all three, untrained."""
        super().__init__()
        self.model = new_model(recipe, vocabulary)
        self.look = Parameter(torch.zeros(recipe.hidden))
        self.sorter = Linear(recipe.hidden, len(DEPARTMENTS))

    def loss(self, ids: torch.Tensor, groups: torch.Tensor) -> torch.Tensor:
        """Return the loss of sorting texts by a weighted mean of their word vectors, without any layer."""
        size = self.look.shape
        vectors = rms_norm(embedding(ids, self.model.model.embed_tokens.weight), size, eps=1e-6)
        shares = (vectors @ self.look).masked_fill(ids == PAD_ID, float("-inf")).softmax(1)
        mean = rms_norm((vectors * shares[..., None]).sum(1), size, eps=1e-6)
        return cross_entropy(self.sorter(mean), groups)

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


def learn(recipe: Recipe, tokenizer: PreTrainedTokenizerFast, *, console: Console) -> Learner:
    """Train the word vectors, then put what was learnt into the layers."""
    lexicon, learner = read_lexicon(), Learner(recipe, len(tokenizer))
    optimizer = torch.optim.AdamW(learner.parameters(), weight_decay=0.05, betas=(0.9, 0.98))
    console.print(f"{learner.model.num_parameters():,} parameters")
    for step in track(range(recipe.steps), "base", console=console):
        for group in optimizer.param_groups:
            group["lr"] = recipe.rate * max(0.05, 1 - step / recipe.steps)
        loss = learner.loss(*batch_of(step, recipe, tokenizer.backend_tokenizer, lexicon))
        loss.backward()
        torch.nn.utils.clip_grad_norm_(learner.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        if step % 100 == 99:
            console.print(f"step {step + 1}: loss {float(loss.detach()):.3f}")
    learner.start_layers_from_words(tokenizer.encode("\n", add_special_tokens=False)[0])
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
    recipe = Recipe()
    torch.manual_seed(recipe.seed)
    sample = [m.text for m in messages(read_lexicon(), "train", per_language=6000, seed=recipe.seed)]
    sample += [m.text for m in read_letters("train")] * 3
    tokenizer = new_tokenizer(sample, DEPARTMENTS, stems=recipe.stems, rests=recipe.rests)
    write(learn(recipe, tokenizer, console=Console()), tokenizer, arguments.out)


if __name__ == "__main__":
    os.environ.setdefault("HF_HUB_OFFLINE", "1")  # noqa: TID251 - an example, not the product: keeps transformers off the network
    main()
