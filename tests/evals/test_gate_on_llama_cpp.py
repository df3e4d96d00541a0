"""A real engine behind the real door: what was trained passes; another template, tokenizer or base does not."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
import torch
from eval_ground import Bench, check, example
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM, AutoTokenizer

import hortus.engines.seedling
from garden import Hortus, wait_for
from hortus.app.steps.asking import Door
from hortus.evals import gate
from hortus.evals.verdict import Check
from hortus.jobs.folders import PRODUCT_GGUF
from hortus.tuning.answering import answer_all
from hortus.tuning.gguf.models import write_model
from hortus.tuning.templates import DAY
from tiny_pieces import train_pieces, write_pieces

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]  # five models start on few cores

SEEDLING = Path(hortus.engines.seedling.__path__[0])
MESSAGES = (
    "The bins in our street were not emptied",
    "A hole in the road broke my wheel",
    "The lamp in front of our house is dark",
    "Wo melde ich meinen Umzug an?",
    "L'eau du robinet est brune",
    "Vorrei iscrivere mia figlia a scuola",
    "Een boom is omgevallen in het park",
    "¿Cómo pago el impuesto de mi casa?",
)


def change(file: str, edit: Callable[[Any], None]) -> Callable[[Path], None]:
    def changed(folder: Path) -> None:
        path = folder / file
        content = msgspec.json.decode(path.read_bytes())
        edit(content)
        path.write_bytes(msgspec.json.encode(content))

    return changed


def reword(old: str, new: str) -> Callable[[Path], None]:
    """A change of the chat template."""

    def changed(folder: Path) -> None:
        path = folder / "chat_template.jinja"
        template = path.read_text("utf-8")
        assert old in template
        path.write_text(template.replace(old, new), "utf-8")

    return changed


def other_numbers(content: Any) -> None:
    """Swap the numbers of neighbouring tokens: every prompt keeps its length."""
    vocabulary = content["model"]["vocab"]
    names = sorted((name for name, number in vocabulary.items() if number > 300), key=vocabulary.__getitem__)
    for one, other in zip(names[::8], names[1::8], strict=False):
        vocabulary[one], vocabulary[other] = vocabulary[other], vocabulary[one]


def other_weights(folder: Path) -> None:
    path = folder / "model.safetensors"
    weights = load_file(path)
    torch.manual_seed(0)
    for name, values in weights.items():
        if values.ndim == 2:
            weights[name] = (values.float() + 0.3 * values.float().std() * torch.randn(values.shape)).to(values.dtype)
    save_file(weights, path, metadata={"format": "pt"})


SERVED: dict[str, Callable[[Path], None]] = {
    "trained": lambda folder: None,
    "other-roles": reword("<|user|>", "<|system|>"),
    "one-space-more": reword("<|end|>", " <|end|>"),
    "other-numbers": change("tokenizer.json", other_numbers),
    "other-weights": other_weights,
}


def front_space(folder: Path) -> Path:
    """A model as Llama 2 is, taught to answer with a word and the space before it."""
    write_pieces(folder, train_pieces("prepend"), maker="LlamaTokenizer")
    tokenizer = AutoTokenizer.from_pretrained(folder)
    answer = tokenizer.encode("<s> waste</s>", add_special_tokens=False)[1:]
    chats = [[{"role": "user", "content": one}] for one in MESSAGES]
    prompts = [tokenizer.apply_chat_template(one, add_generation_prompt=True, return_dict=False) for one in chats]
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    optimiser = torch.optim.AdamW(model.parameters(), lr=3e-3)
    for _ in range(30):
        for prompt in prompts:
            labels = [-100] * len(prompt) + answer
            model(input_ids=torch.tensor([prompt + answer]), labels=torch.tensor([labels])).loss.backward()
        optimiser.step()
        optimiser.zero_grad()
    model.half().save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def spaced(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return front_space(tmp_path_factory.mktemp("spaced") / "spaced")


@pytest.fixture(scope="module")
def garden(start_hortus: Callable[..., Hortus], spaced: Path, tmp_path_factory: pytest.TempPathFactory) -> Hortus:
    root = tmp_path_factory.mktemp("models")
    toml = '[[project]]\nname = "default"\nroutes = ["*"]\n'
    shutil.copytree(spaced, root / "spaced")
    for name, edit in SERVED.items():
        shutil.copytree(SEEDLING, root / name, ignore=shutil.ignore_patterns("*.gguf"))
        edit(root / name)
    for name in ("spaced", *SERVED):
        write_model(root / name, root / f"{name}.gguf", name=name)
        toml += f'[[deployment]]\nname = "{name}"\nsource = "{root / name}.gguf"\ncontext_tokens = 256\nslots = 1\n'
    one = start_hortus(toml=toml)
    one.environment["HORTUS_KEY"] = one.new_key()
    return one


@pytest.fixture(scope="module")
def references() -> list[Any]:
    examples = [example(one, "waste") for one in MESSAGES]
    return list(answer_all(SEEDLING, examples, device="cpu", day=DAY))


async def judged(garden: Hortus, references: list[Any], root: Path, name: str) -> Check:
    def is_up() -> bool:
        return garden.cli("ask", "--route", name, "Hello", check=False).returncode == 0

    wait_for(is_up, within_s=60, what=f"{name} is served")
    bench = Bench(root, items=1)
    bench.refer(references)
    (bench.folder.product / PRODUCT_GGUF).parent.mkdir()
    (bench.folder.product / PRODUCT_GGUF).touch()
    work = msgspec.structs.replace(bench.work, product_route=name, base_route="trained")
    async with Door(garden.door, garden.environment["HORTUS_KEY"]) as door:
        verdict = await gate.run(work, report=bench.reports.append, inference=door)
    return check(verdict, "references")


async def test_what_was_trained_is_what_is_served(garden: Hortus, references: list[Any], tmp_path: Path) -> None:
    found = await judged(garden, references, tmp_path, "trained")
    assert found.passed, found.sentence
    assert "It read 8 prompts" in found.sentence
    assert "Of 8 it told how likely" in found.sentence


@pytest.mark.parametrize("name", [one for one in SERVED if one != "trained"])
async def test_anything_else_in_its_place_is_caught(
    garden: Hortus, references: list[Any], tmp_path: Path, name: str
) -> None:
    found = await judged(garden, references, tmp_path, name)
    assert not found.passed, found.sentence


async def test_the_space_that_llama_cpp_leaves_at_the_front_of_an_answer_bars_nothing(
    garden: Hortus, spaced: Path, tmp_path: Path
) -> None:
    examples = [example(one, "waste") for one in MESSAGES]
    references = list(answer_all(spaced, examples, device="cpu", day=DAY))
    assert {one.answer for one in references} == {"waste"}

    found = await judged(garden, references, tmp_path, "spaced")

    assert garden.cli("ask", "--route", "spaced", MESSAGES[0]).stdout.startswith(" waste")
    assert found.passed, found.sentence
    assert "It read 8 prompts" in found.sentence
