from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from commandline import run

import hortus
from hortus.cli.root import COMMANDS


def modules_after(*arguments: str, of: tuple[str, ...]) -> set[str]:
    """Run a command in a fresh interpreter and say which of the modules it loaded."""
    program = (
        "import sys\nfrom hortus.cli import main\n"
        f"try:\n    main({list(arguments)!r})\nexcept SystemExit:\n    pass\n"
        f"sys.stderr.write('\\nLOADED ' + ' '.join(m for m in {of!r} if m in sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    return set(done.stderr.rpartition("LOADED ")[2].split())


def test_version_is_one_line(tmp_path: Path) -> None:
    assert run("version", at=tmp_path).out == f"hortus {hortus.__version__}\n"


def test_version_as_json_names_python_too(tmp_path: Path) -> None:
    ran = run("version", "--json", at=tmp_path)
    assert ran.json["hortus"] == hortus.__version__
    assert ran.json["python"].startswith("3.")


def test_version_loads_no_other_command() -> None:
    heavy = ("hortus.transport.client", "hortus.catalog.loading", "hortus.app.up", "genai_prices")
    assert modules_after("version", of=heavy) == set()


@pytest.mark.parametrize("command", [name for name in COMMANDS if name not in {"catalog", "prices"}])
def test_a_command_loads_nothing_of_the_extras(command: str) -> None:
    extras = ("fastapi", "starlette", "sqlalchemy", "alembic", "xllamacpp", "genai_prices")
    assert modules_after(command, "--help", of=extras) == set()


def test_the_catalog_loads_no_server_and_no_store() -> None:
    assert (
        modules_after("catalog", "mistral", of=("fastapi", "starlette", "sqlalchemy", "alembic", "xllamacpp")) == set()
    )


def test_help_names_every_command_within_80_columns(tmp_path: Path) -> None:
    ran = run("--help", at=tmp_path)
    assert ran.code == 0
    assert all(f" {name} " in ran.out for name in COMMANDS)
    assert max(map(len, ran.out.splitlines())) <= 80


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_a_help_that_starts_with_a_sentence(command: str, tmp_path: Path) -> None:
    ran = run(command, "--help", at=tmp_path)
    assert ran.code == 0
    lines = [line.strip() for line in ran.out.splitlines() if line.strip()]
    assert lines[0].startswith(f"Usage: hortus {command}")
    assert lines[1].endswith(".")
    assert max(map(len, ran.out.splitlines())) <= 80


def test_an_unknown_command_is_a_usage_error(tmp_path: Path) -> None:
    ran = run("upp", at=tmp_path)
    assert ran.code == 2
    assert "upp" in ran.err


def test_an_unknown_option_is_a_usage_error(tmp_path: Path) -> None:
    ran = run("status", "--jason", at=tmp_path)
    assert ran.code == 2
    assert "--jason" in ran.err


def test_a_failure_is_one_line_with_what_where_and_what_next(tmp_path: Path) -> None:
    ran = run("status", at=tmp_path)
    assert ran.code == 1
    assert ran.out == ""
    assert ran.err.count("\n") == 1
    assert str(tmp_path / "home") in ran.err
    assert "hortus up" in ran.err


def test_a_failure_shows_a_traceback_only_when_asked_for(tmp_path: Path) -> None:
    with pytest.raises(hortus.base.errors.InstallationError):
        run("status", at=tmp_path, environment={"HORTUS_DEBUG": "1"})


def test_output_that_the_terminal_cannot_spell_is_no_failure() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "hortus.cli", "catalog", "mistral-large"],
        capture_output=True,
        timeout=60,
        check=False,
        env={"PYTHONIOENCODING": "ascii", "PATH": "", "HOME": "/nonexistent", "PYTHONPATH": ":".join(sys.path)},
    )
    assert done.returncode == 0
    assert b"mistral-large" in done.stdout


def test_a_reader_that_leaves_early_is_no_failure() -> None:
    program = f"{sys.executable} -m hortus.cli catalog | head -1"
    done = subprocess.run(["bash", "-c", program], capture_output=True, text=True, timeout=60, check=False)
    assert "Traceback" not in done.stderr
    assert "fault of Hortus" not in done.stderr
