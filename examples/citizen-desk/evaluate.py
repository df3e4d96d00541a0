"""How often does the shipped GGUF file name the right department?

It is asked over HTTP as chat, like any client would, without a system prompt. The generated test split and the
free-written pools are opened here only, with the final model; settings are chosen on ``dev`` and ``dev_hand.tsv``.
"""

import argparse
import math
from collections import Counter
from pathlib import Path

import msgspec
from rich.console import Console
from rich.progress import track

from generator import DEPARTMENTS, LANGUAGES, Message, messages, read_lexicon, read_table
from serve import Served, served

HERE = Path(__file__).parent
DEFAULT_MODEL = HERE.parents[1] / "src/hortus/engines/seedling/seedling.gguf"
TEST_PER_LANGUAGE = 200
TEST_SEED = 2  # seed 1 was opened with the first version of the model


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
    confusions: dict[str, int]


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

    wrong = Counter(f"{m.department} -> {answer}" for m, answer in pairs if answer != m.department)
    return Figures(
        total=counted(pairs),
        languages={g: counted(chosen) for g in LANGUAGES if (chosen := [p for p in pairs if p[0].lang == g])},
        departments={d: counted(chosen) for d in DEPARTMENTS if (chosen := [p for p in pairs if p[0].department == d])},
        valid_labels=round(sum(answer in DEPARTMENTS for answer in answers) / len(answers), 4),
        confusions=dict(wrong.most_common(12)),
    )


def evaluate(model: Served, asked: list[Message], *, what: str) -> Figures:
    """Ask every message and count."""
    return figures(asked, [model.answer(m.text) for m in track(asked, what)])


def table(sets: dict[str, Figures]) -> str:
    """Return the scores as a Markdown table, one column for each set."""

    def cell(found: Score | None) -> str:
        return "-" if found is None else f"{found.accuracy:.3f} [{found.low:.3f}, {found.high:.3f}] of {found.asked}"

    lines = [f"| language | {' | '.join(sets)} |", "|---" * (len(sets) + 1) + "|"]
    lines += [f"| {g} | {' | '.join(cell(f.languages.get(g)) for f in sets.values())} |" for g in LANGUAGES]
    lines.append(f"| **all** | {' | '.join(cell(f.total) for f in sets.values())} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Evaluate; by default on the development sets only."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, default=DEFAULT_MODEL)
    parser.add_argument("--out", type=Path, default=HERE)
    parser.add_argument("--final", action="store_true", help="open the test split and the pools, and write the figures")
    arguments = parser.parse_args()
    if arguments.final:
        sets = {
            "generated test": messages(read_lexicon(), "test", per_language=TEST_PER_LANGUAGE, seed=TEST_SEED),
            "free-written pool 2": read_table(HERE / "pool_2.tsv"),
            "free-written pool 1 (opened before)": read_table(HERE / "pool.tsv"),
        }
    else:
        sets = {"dev": messages(read_lexicon(), "dev", per_language=60), "dev_hand": read_table(HERE / "dev_hand.tsv")}
    with served(arguments.model) as model:
        found = {name: evaluate(model, asked, what=name) for name, asked in sets.items()}
    Console().print(table(found), markup=False)
    if arguments.final:
        encoded = msgspec.json.format(msgspec.json.encode(found), indent=2)
        (arguments.out / "figures.json").write_bytes(encoded + b"\n")
        (arguments.out / "figures.md").write_text(table(found), encoding="utf-8")


if __name__ == "__main__":
    main()
