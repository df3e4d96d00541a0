"""Makes the picture of the README from the real thing: starts Hortus, runs commands, draws what they print.

Usage: picture.py [FILE]; default docs/first-answer.svg.
"""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.text import Text

WIDTH = 84
COMMANDS = (
    ["hortus", "catalog", "mistral", "--open", "--in", "EU"],
    ["hortus", "ask", "Wer leert die Mülltonnen in unserer Straße?"],
    ["hortus", "receipts", "--last"],
)


def run(command: list[str], *, environment: dict[str, str]) -> str:
    """Run a command as on a terminal and return what it printed, colours included."""
    program = str(Path(sys.executable).parent / command[0])
    done = subprocess.run([program, *command[1:]], env=environment, capture_output=True, text=True, check=True)  # noqa: S603 -- our own commands
    return done.stdout.rstrip("\n")


def main(arguments: list[str]) -> None:
    """Draw the picture."""
    file = Path(arguments[0] if arguments else "docs/first-answer.svg")
    with tempfile.TemporaryDirectory() as home:
        environment = {
            **os.environ,
            "HORTUS_HOME": home,
            "COLUMNS": str(WIDTH),
            "FORCE_COLOR": "1",
            "TERM": "xterm-256color",
        }
        up = [str(Path(sys.executable).parent / "hortus"), "up", "--no-question", "--port", "0"]
        with subprocess.Popen(up, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:  # noqa: S603 -- our own command
            try:
                while not (Path(home) / "run" / "hortus.json").exists():
                    if process.poll() is not None:
                        sys.exit("Hortus did not start")
                shown = [(command, run(command, environment=environment)) for command in COMMANDS]
            finally:
                process.terminate()
    console = Console(record=True, width=WIDTH, file=io.StringIO(), force_terminal=True)
    for command, output in shown:
        words = " ".join(f'"{word}"' if " " in word else word for word in command)
        console.print(Text.assemble(("$ ", "green"), (words, "bold")))
        console.print(Text.from_ansi(output))
        console.print()
    drawing = console.export_svg(title="Hortus").replace("Fira Code", "monospace")
    file.write_text(re.sub(r"\s*@font-face \{.*?\}", "", drawing, flags=re.DOTALL), "utf-8")
    print(f"{file}: {file.stat().st_size // 1024} kB")


if __name__ == "__main__":
    main(sys.argv[1:])
