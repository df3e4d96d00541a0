"""Every code block of README and documentation runs: shell and Python against a living Hortus, TOML through a check."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path
from typing import NamedTuple

import msgspec
import pytest
from sybil import Sybil
from sybil.parsers.myst import CodeBlockParser

from garden import Hortus

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]

NOT_RUN = {
    "text": "drawings and output, and calls that need an account at a host",
    "nginx": "checked by the tests behind a real nginx",
    "sh": "needs a package index, root or large weights; the wheel's tests and the gate run the like",
    "{toctree}": "Sphinx builds it",
}
"""Languages of blocks that are not executed here, each with its reason; any other language must be."""


RUN = {"bash": ["bash", "-euo", "pipefail", "-c"], "python": [sys.executable, "-c"]}


class Block(NamedTuple):
    """A fenced block of a page."""

    line: int
    language: str
    text: str


def blocks(page: Path, *languages: str) -> list[Block]:
    """Return the blocks in the order of the page."""
    found = []
    for language in languages:
        parser = CodeBlockParser(language, evaluator=lambda example: None)
        document = Sybil(parsers=[parser]).parse(page)
        found += [Block(example.line, language, str(example.parsed)) for example in document.examples()]
    return sorted(found)


def pages(*languages: str):
    """Parametrise by the pages that have such blocks; a page's blocks belong together."""
    having = [page for page in PAGES if blocks(page, *languages)]
    return pytest.mark.parametrize("page", having, ids=[str(page.relative_to(ROOT)) for page in having])


@pytest.fixture(scope="module")
def garden(start_hortus) -> Hortus:
    one = start_hortus(environment={"MISTRAL_API_KEY": "made-up"})
    one.environment["HORTUS_KEY"] = one.new_key()
    one.environment["PATH"] = f"{Path(sys.executable).parent}:{one.environment['PATH']}"
    return one


def here(garden: Hortus, text: str) -> str:
    """Put the addresses of this Hortus in the place of the usual ones."""
    return text.replace("http://127.0.0.1:8000", garden.door).replace("http://127.0.0.1:8001", garden.admin)


@pages(*RUN)
def test_the_blocks_of_a_page_run_in_their_order(garden: Hortus, page: Path) -> None:
    for block in blocks(page, *RUN):
        done = subprocess.run(
            [*RUN[block.language], here(garden, block.text)],
            cwd=garden.directory,
            env=garden.environment,
            capture_output=True,
            text=True,
            timeout=90,
        )
        assert done.returncode == 0, f"{page.name}:{block.line}\n{done.stdout}\n{done.stderr}"
        assert (done.stdout + done.stderr).strip(), f"{page.name}:{block.line} says nothing"


@pages("toml")
def test_the_toml_blocks_of_a_page_are_valid_configurations(garden: Hortus, page: Path, tmp_path: Path) -> None:
    for block in blocks(page, "toml"):
        assert tomllib.loads(block.text)
        (tmp_path / "example.toml").write_text(block.text)
        done = garden.cli("config", "check", str(tmp_path / "example.toml"), check=False)
        assert done.returncode == 0, f"{page.name}:{block.line}\n{done.stderr}"


@pages("json")
def test_the_json_blocks_of_a_page_are_json(page: Path) -> None:
    for block in blocks(page, "json"):
        assert msgspec.json.decode(block.text)


def test_no_block_escapes() -> None:
    """Each fenced block has a language that is executed, or stands in the list with a reason."""
    executed = {"bash", "python", "toml", "json"}
    for page in PAGES:
        is_open = False
        for number, line in enumerate(page.read_text("utf-8").splitlines(), 1):
            if line.startswith("```"):
                is_open = not is_open
                if is_open:
                    assert line[3:].strip() in executed | NOT_RUN.keys(), f"{page.name}:{number} {line}"


def test_the_pages_made_from_code_are_fresh() -> None:
    done = subprocess.run([sys.executable, "tools/reference.py", "--check"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
