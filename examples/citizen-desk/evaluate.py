"""How often do base and products name the right office, without a system prompt?

Products are asked as they are served: their GGUF files, over HTTP. `--final` also asks the base, and the first product
as its trainer knows it.
The generated test split and the free-written pools are opened by `--final` only, once, with products that stay as
they are; settings are chosen on letters kept away from training, on `dev` and on `dev_hand.tsv`.
"""

import argparse
import math
from pathlib import Path
from statistics import mean, stdev
from typing import Protocol

import msgspec
from rich.console import Console
from rich.progress import track

from generator import DEPARTMENTS, LANGUAGES, Message, messages, read_letters, read_lexicon, read_table
from serve import served
from trained import Trained

HERE = Path(__file__).parent
SERVED = "served,"  # begins the names of the columns over which means are taken
TEST_PER_LANGUAGE = 200
TEST_SEED = 3  # seeds 1 and 2 were opened with earlier products
STUDENT = {2: 12.706, 3: 4.303}  # of the mean of so many runs, for 95 %
POOLS = {
    "free-written pool 4": "pool_4.tsv",
    "free-written pool 3 (opened before)": "pool_3.tsv",
    "free-written pool 2 (opened before)": "pool_2.tsv",
    "free-written pool 1 (opened before)": "pool.tsv",
}


class Answering(Protocol):
    """Answers a citizen's message."""

    def answer(self, text: str) -> str:
        """Return the answer."""
        ...


class Score(msgspec.Struct, frozen=True):
    """How many messages were routed right, with the Wilson interval of 95 %."""

    right: int
    asked: int
    accuracy: float
    low: float
    high: float


class Figures(msgspec.Struct, frozen=True):
    """The scores of one set of messages."""

    total: Score
    languages: dict[str, Score]
    departments: dict[str, Score]
    valid_labels: float


class Spread(msgspec.Struct, frozen=True):
    """One set's accuracy over the seeds: each run's, their mean, and Student's interval of 95 % around it."""

    runs: list[float]
    mean: float
    low: float | None
    high: float | None


def score(right: int, asked: int, *, z: float = 1.96) -> Score:
    """Return the share of right answers and its Wilson interval."""
    share = right / asked
    spread = z * math.sqrt(share * (1 - share) / asked + z * z / 4 / asked / asked)
    scale = 1 + z * z / asked
    middle = share + z * z / 2 / asked
    return Score(
        right, asked, round(share, 4), round((middle - spread) / scale, 4), round((middle + spread) / scale, 4)
    )


def figures(asked: list[Message], answers: list[str]) -> Figures:
    """Count the right answers by language and department."""
    pairs = list(zip(asked, answers, strict=True))

    def counted(chosen: list[tuple[Message, str]]) -> Score:
        return score(sum(answer == m.department for m, answer in chosen), len(chosen))

    return Figures(
        total=counted(pairs),
        languages={g: counted(chosen) for g in LANGUAGES if (chosen := [p for p in pairs if p[0].lang == g])},
        departments={d: counted(chosen) for d in DEPARTMENTS if (chosen := [p for p in pairs if p[0].department == d])},
        valid_labels=round(sum(answer in DEPARTMENTS for answer in answers) / len(answers), 4),
    )


def spread(runs: list[float]) -> Spread:
    """Return the mean of runs with its interval, where there are several."""
    if len(runs) not in STUDENT:
        return Spread(runs, round(mean(runs), 4), None, None)
    half = STUDENT[len(runs)] * stdev(runs) / math.sqrt(len(runs))
    return Spread(runs, round(mean(runs), 4), round(mean(runs) - half, 4), round(mean(runs) + half, 4))


def evaluate(model: Answering, sets: dict[str, list[Message]], *, who: str) -> dict[str, Figures]:
    """Ask every message of every set and count."""
    return {
        name: figures(asked, [model.answer(one.text) for one in track(asked, f"{who}: {name}")])
        for name, asked in sets.items()
    }


def table(found: dict[str, dict[str, Figures]]) -> str:
    """Return the scores as a Markdown table: a line for each set, a column for each that was asked, the seeds' mean."""
    seeds = [one for who, one in found.items() if who.startswith(SERVED)]
    lines = [f"| messages | {' | '.join(found)} | mean of the seeds |", "|---" * (len(found) + 2) + "|"]
    for name in seeds[0]:
        totals = [one[name].total for one in found.values()]
        cells = [f"{t.accuracy:.3f} [{t.low:.3f}, {t.high:.3f}]" for t in totals]
        over = spread([one[name].total.accuracy for one in seeds])
        interval = "" if over.low is None or over.high is None else f" [{over.low:.3f}, {over.high:.3f}]"
        lines.append(f"| {name}, {totals[0].asked} | {' | '.join(cells)} | **{over.mean:.3f}**{interval} |")
    return "\n".join(lines) + "\n"


def seed_of(product: Path) -> int:
    """Return the seed that a product was tuned with, as its facts say."""
    facts = msgspec.json.decode((product / "facts.json").read_bytes())
    return int(facts["recipe"]["seed"])


def as_served(products: list[Path], sets: dict[str, list[Message]]) -> dict[str, dict[str, Figures]]:
    """Ask each product's GGUF file."""
    found = {}
    for product in products:
        who = f"{SERVED} seed {seed_of(product)}"
        with served(product / "gguf/model.gguf") as model:
            found[who] = evaluate(model, sets, who=who)
    return found


def chosen(*, final: bool) -> dict[str, list[Message]]:
    """Return the sets of messages to ask."""
    lexicon = read_lexicon()
    if not final:
        return {
            "letters kept away": read_letters("dev"),
            "dev": messages(lexicon, "dev", per_language=60),
            "dev_hand": read_table(HERE / "dev_hand.tsv"),
        }
    test = messages(lexicon, "test", per_language=TEST_PER_LANGUAGE, seed=TEST_SEED)
    return {"generated test": test, **{name: read_table(HERE / file) for name, file in POOLS.items()}}


def main() -> None:
    """Evaluate; by default on the development sets only."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("products", type=Path, nargs="+", help="folders of `hortus models export`, one for each seed")
    parser.add_argument("--final", action="store_true", help="open the test split and the pools, and write the figures")
    arguments = parser.parse_args()
    products: list[Path] = arguments.products
    sets = chosen(final=arguments.final)
    found = as_served(products, sets)
    if arguments.final:
        in_trainer = {"base": HERE / "base", f"tuned, seed {seed_of(products[0])}": products[0]}
        found = {who: evaluate(Trained(folder), sets, who=who) for who, folder in in_trainer.items()} | found
    Console().print(table(found), markup=False)
    if arguments.final:
        encoded = msgspec.json.format(msgspec.json.encode(found), indent=2)
        (HERE / "final.json").write_bytes(encoded + b"\n")
        (HERE / "final.md").write_text(table(found), encoding="utf-8")


if __name__ == "__main__":
    main()
