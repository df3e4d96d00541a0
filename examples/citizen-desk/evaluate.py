"""How often do products name the right office? Each is asked over HTTP, like any client would, with no system prompt.

The generated test split and the free-written pools are opened by `--final` only, once, with products that stay as
they are; settings are chosen on letters kept away from training, on `dev` and on `dev_hand.tsv`.
"""

import argparse
import math
from pathlib import Path
from statistics import mean, stdev

import msgspec
from rich.console import Console
from rich.progress import track

from generator import DEPARTMENTS, LANGUAGES, Message, messages, read_letters, read_lexicon, read_table
from serve import Served, served

HERE = Path(__file__).parent
TEST_PER_LANGUAGE = 200
TEST_SEED = 2  # seed 1 was opened with the first version of the seedling
STUDENT = {2: 12.706, 3: 4.303}  # of the mean of so many runs, for 95 %
POOLS = {
    "free-written pool 3": "pool_3.tsv",
    "free-written pool 2 (opened before)": "pool_2.tsv",
    "free-written pool 1 (opened before)": "pool.tsv",
}


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


def evaluate(model: Served, asked: list[Message], *, what: str) -> Figures:
    """Ask every message and count."""
    return figures(asked, [model.answer(m.text) for m in track(asked, what)])


def table(found: dict[str, dict[str, Figures]]) -> str:
    """Return the scores as a Markdown table: one line for each set, one column for each product."""
    lines = [f"| messages | {' | '.join(found)} | mean, its interval over the runs |", "|---" * (len(found) + 2) + "|"]
    for name in next(iter(found.values())):
        totals = [one[name].total for one in found.values()]
        cells = [f"{t.accuracy:.3f} [{t.low:.3f}, {t.high:.3f}] of {t.asked}" for t in totals]
        over = spread([t.accuracy for t in totals])
        interval = "" if over.low is None or over.high is None else f" [{over.low:.3f}, {over.high:.3f}]"
        lines.append(f"| {name} | {' | '.join(cells)} | **{over.mean:.3f}**{interval} |")
    return "\n".join(lines) + "\n"


def weights_of(product: Path) -> Path:
    """Return the GGUF file of a product's folder, or the file itself."""
    return product / "gguf/model.gguf" if product.is_dir() else product


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
    sets, found = chosen(final=arguments.final), {}
    for product in arguments.products:
        with served(weights_of(product)) as model:
            found[product.stem] = {name: evaluate(model, asked, what=name) for name, asked in sets.items()}
    Console().print(table(found), markup=False)
    if arguments.final:
        encoded = msgspec.json.format(msgspec.json.encode(found), indent=2)
        (HERE / "final.json").write_bytes(encoded + b"\n")
        (HERE / "final.md").write_text(table(found), encoding="utf-8")


if __name__ == "__main__":
    main()
