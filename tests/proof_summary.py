"""What the proofs ran and carried, said at the end of every run: recordings by dialect, laws with their share."""

from __future__ import annotations

from collections import Counter

import pytest

from exchanges import traffic_place


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Write one line for each dialect's recordings and one for each law."""
    said = [
        (name, value, outcome)
        for outcome in ("passed", "failed")
        for report in terminalreporter.stats.get(outcome, [])
        for name, value in report.user_properties
    ]
    recordings = Counter(
        (value[0], value[1], value[2] if outcome == "passed" else "NOT EXACT")
        for name, value, outcome in said
        if name == "recording"
    )
    laws = sorted(value for name, value, _ in said if name == "law")
    if recordings:
        terminalreporter.section("recordings")
        if not traffic_place().is_dir():
            place = traffic_place()
            terminalreporter.line(
                f"THE SHARED RECORDINGS ARE NOT HERE ({place}): only the project's own set ran.", red=True
            )
        for dialect in sorted({key[0] for key in recordings}):
            counts = {
                f"{origin} {kind}": recordings[dialect, origin, kind]
                for origin in ("shared", "own")
                for kind in ("exact", "listed", "NOT EXACT")
            }
            line = ", ".join(f"{count} {words}" for words, count in counts.items() if count)
            terminalreporter.line(f"{dialect}: {line}")
    if laws:
        terminalreporter.section("laws")
        for line in laws:
            terminalreporter.line(line)
