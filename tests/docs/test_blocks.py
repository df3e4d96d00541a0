"""Every code block of README and documentation runs: shell and Python against a living Hortus, TOML through a check."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from sybil import Sybil
from sybil.parsers.myst import CodeBlockParser

from garden import Hortus

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]

NOT_RUN = {
    "text": "drawings and output",
    "nginx": "checked by the tests behind a real nginx",
    "sh": "needs a package index, root or large weights; the wheel's tests and the gate run the like",
    "{toctree}": "Sphinx builds it",
}
"""Languages of blocks that are not executed here, each with its reason; any other language must be."""


def blocks(language: str) -> list[tuple[str, str]]:
    parser = CodeBlockParser(language, evaluator=lambda example: None)
    sybil = Sybil(parsers=[parser])
    found = []
    for page in PAGES:
        for example in sybil.parse(page).examples():
            found.append((f"{page.relative_to(ROOT)}:{example.line}", str(example.parsed)))
    return found


def parametrized(language: str):
    found = blocks(language)
    return pytest.mark.parametrize("text", [text for _, text in found], ids=[name for name, _ in found])


def by_page(language: str):
    """Put a page's blocks together: a reader runs them in their order, tests run in any."""
    pages: dict[str, list[str]] = {}
    for name, text in blocks(language):
        pages.setdefault(name.rpartition(":")[0], []).append(f"echo '{name}' >&2\n{text}")
    return pytest.mark.parametrize("text", ["\n".join(texts) for texts in pages.values()], ids=list(pages))


@pytest.fixture(scope="module")
def garden(start_hortus) -> Hortus:
    one = start_hortus(environment={"MISTRAL_API_KEY": "made-up"})
    one.environment["HORTUS_KEY"] = one.new_key()
    one.environment["PATH"] = f"{Path(sys.executable).parent}:{one.environment['PATH']}"
    return one


def here(garden: Hortus, text: str) -> str:
    """Put the addresses of this Hortus in the place of the usual ones."""
    return text.replace("http://127.0.0.1:8000", garden.door).replace("http://127.0.0.1:8001", garden.admin)


@by_page("bash")
def test_the_shell_blocks_of_a_page_run(garden: Hortus, text: str) -> None:
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", here(garden, text)],
        cwd=garden.directory,
        env=garden.environment,
        capture_output=True,
        text=True,
        timeout=90,
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"


@parametrized("python")
def test_a_python_block_runs(garden: Hortus, text: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", here(garden, text)],
        cwd=garden.directory,
        env=garden.environment,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()


@parametrized("toml")
def test_a_toml_block_is_a_valid_configuration(garden: Hortus, text: str, tmp_path: Path) -> None:
    assert tomllib.loads(text)
    (tmp_path / "cert.pem").write_text("")
    (tmp_path / "example.toml").write_text(text)
    done = garden.cli("config", "check", str(tmp_path / "example.toml"), check=False)
    assert done.returncode == 0, done.stderr


def test_no_block_escapes() -> None:
    """Each fenced block has a language that is executed, or stands in the list with a reason."""
    executed = {"bash", "python", "toml"}
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
