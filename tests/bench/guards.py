"""What the finders cost: CPU µs for clean and dirty texts of 1 kB and 100 kB, the least of several runs."""

from __future__ import annotations

import sys
import time

from hortus.gateway.guards.table import finder_for
from hortus.policy.rules import Policy

TEXTS = {
    "clean, English": "The council decided on Monday that the new rules apply to every resident, and we ask for your patience "
    "while our forms and the website change over the summer. ",
    "clean, German": "Die Gemeinde hat am Montag beschlossen, dass die neuen Regeln für alle Bürgerinnen und Bürger gelten; wir bitten um "
    "Verständnis, bis Formulare und Webseite im Sommer umgestellt sind. ",
    "numbers, nothing personal": "Order 100482113 of 12.03.2024 over 1.234,56 EUR, item 4006381333931, was shipped at 14:32:05 as 340434161. ",
    "a letter's worth of findings": "Dear Ms Kowalska, your IBAN DE89 3704 0044 0532 0130 00 is noted. We called +49 30 1234567 twice and wrote to "
    "anna@firma.de about the application that you sent in March; the office is open until noon and on Tuesdays until six. ",
}  # fmt: skip
FINDERS = {
    "all": Policy(name="all", personal_data="pseudonymise", secrets="refuse", blocked_words=("falcon",)),
    "without names": Policy(name="w", personal_data="pseudonymise", personal_kinds=("iban", "national_id", "email", "phone")),
    "secrets": Policy(name="s", secrets="refuse"),
}  # fmt: skip


def cpu_us(policy: Policy, text: str) -> tuple[float, int]:
    """The least of the runs, and how much was found."""
    finder, runs, count = finder_for(policy), [], 0
    for _ in range(200 if len(text) < 10_000 else 12):
        start = time.process_time_ns()
        count = len(finder.find(text))
        runs.append((time.process_time_ns() - start) / 1000)
    return min(runs), count


def main() -> None:
    sys.stdout.write(f"{'text':32} {'finder':16} {'1 kB':>8} {'found':>6} {'100 kB':>8} {'found':>6}\n")
    for name, sentence in TEXTS.items():
        for asked, policy in FINDERS.items():
            long = sentence * (100_000 // len(sentence) + 1)
            short_us, few = cpu_us(policy, long[:1_000])
            long_us, many = cpu_us(policy, long[:100_000])
            sys.stdout.write(f"{name:32} {asked:16} {short_us:8.0f} {few:6} {long_us:8.0f} {many:6}\n")


if __name__ == "__main__":
    main()
