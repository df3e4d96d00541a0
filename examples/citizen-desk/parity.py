"""Does the served GGUF file say exactly what transformers says?

It compares the token ids of the prompts and the greedy answers on dev messages, and free continuations of cut-off
texts.
"""

import argparse
from pathlib import Path

import msgspec
import torch
from rich.console import Console
from rich.progress import track
from transformers import AutoModelForCausalLM, AutoTokenizer, LlamaForCausalLM, PreTrainedTokenizerFast

from generator import messages, read_lexicon, read_table
from model import END_ID, PAD_ID
from serve import Served, served

HERE = Path(__file__).parent
DEFAULT_FOLDER = HERE.parents[1] / "src/hortus/engines/seedling"
CONTINUED = 24


class Parity(msgspec.Struct):
    """How many of the compared texts were equal."""

    compared: int = 0
    equal_ids: int = 0
    equal_answers: int = 0


@torch.no_grad()
def continuation(model: LlamaForCausalLM, ids: list[int], *, tokens: int) -> list[int]:
    """Return transformers' greedy continuation."""
    made = model.generate(
        torch.tensor([ids]), max_new_tokens=tokens, do_sample=False, eos_token_id=END_ID, pad_token_id=PAD_ID
    )
    return [int(token) for token in made[0, len(ids) :] if token != END_ID]


def compare(tokenizer: PreTrainedTokenizerFast, model: LlamaForCausalLM, other: Served, *, texts: list[str]) -> Parity:
    """Compare answers to whole chats, and continuations of every fourth text cut off."""
    found = Parity()
    for number, text in enumerate(track(texts, "parity")):
        chat = [{"role": "user", "content": text}]
        ids = tokenizer.apply_chat_template(chat, add_generation_prompt=True, return_dict=False)
        tokens = 8
        if number % 4 == 0:
            ids = tokenizer.encode(f"<|bos|><|user|>\n{text[:14]}", add_special_tokens=False)
            tokens = CONTINUED
        theirs = other.post("/tokenize", {"content": tokenizer.decode(ids), "parse_special": True})["tokens"]
        body = {
            "prompt": ids,
            "temperature": 0,
            "top_k": 1,
            "n_predict": tokens,
            "return_tokens": True,
            "cache_prompt": False,
        }
        answered = [t for t in other.post("/completion", body)["tokens"] if t != END_ID]
        found.compared += 1
        found.equal_ids += theirs == ids
        found.equal_answers += answered == continuation(model, ids, tokens=tokens)
    return found


def main() -> None:
    """Compare the shipped files with each other and write the result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, default=DEFAULT_FOLDER)
    parser.add_argument("--out", type=Path, default=HERE / "parity.json")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    tokenizer = AutoTokenizer.from_pretrained(arguments.folder)
    model = AutoModelForCausalLM.from_pretrained(arguments.folder, dtype=torch.float32).eval()
    asked = [*messages(read_lexicon(), "dev", per_language=30), *read_table(HERE / "dev_hand.tsv")]
    with served(arguments.folder / "seedling.gguf") as other:
        found = compare(tokenizer, model, other, texts=[m.text for m in asked])
    arguments.out.write_bytes(msgspec.json.encode(found) + b"\n")
    Console().print(found)


if __name__ == "__main__":
    main()
