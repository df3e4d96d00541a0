"""Fails when a tracked file holds something that looks like a secret; made-up ones in tests are told by their shape.

Usage: secrets_scan.py [FILE …]; default every tracked file.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

SHAPES = {
    "a client key of Hortus": r"hortus_sk_[0-9A-Za-z_-]{40}",
    "an admin token of Hortus": r"hortus_at_[0-9A-Za-z_-]{40}",
    "an OpenAI-style key": r"\bsk-(?:proj-|ant-)?[0-9A-Za-z_-]{32,}",
    "an AWS access key": r"\bAKIA[0-9A-Z]{16}\b",
    "a Google API key": r"\bAIza[0-9A-Za-z_-]{35}\b",
    "a Hugging Face token": r"\bhf_[0-9A-Za-z]{30,}\b",
    "a GitHub token": r"\bgh[pousr]_[0-9A-Za-z]{30,}\b",
    "a private key": r"-----BEGIN [A-Z ]*PRIVATE KEY-----",
}
BINARY = {".gguf", ".safetensors", ".png"}
FEW_LETTERS = 8
"""A made-up key repeats itself; a real one of this length has more different characters."""


def _tracked() -> list[str]:
    done = subprocess.run(["git", "ls-files"], check=True, capture_output=True, text=True)  # noqa: S607 -- git of the developer
    return done.stdout.splitlines()


def findings(file: Path) -> list[str]:
    """Return what looks like a secret in a file, the secret itself left out."""
    found = []
    for number, line in enumerate(file.read_text("utf-8", "replace").splitlines(), 1):
        for name, shape in SHAPES.items():
            for match in re.finditer(shape, line):
                if len(set(match.group()[10:])) > FEW_LETTERS:
                    found.append(f"{file}:{number}: {name}")
    return found


def main(names: list[str]) -> int:
    """Print each finding; 1 if there is one."""
    files = [Path(name) for name in names or _tracked()]
    found = [one for file in files if file.is_file() and file.suffix not in BINARY for one in findings(file)]
    for one in found:
        print(one)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
