"""The wheel in clean environments: the base install, and the one that runs a whole garden."""

from __future__ import annotations

import subprocess
import sys
import venv
from pathlib import Path

import msgspec
import pytest

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

ROOT = Path(__file__).parents[2]
WHEELS = ROOT / ".cache" / "wheels"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "build", "--no-isolation", "--wheel", "--outdir", str(place), str(ROOT)]
    subprocess.run(command, check=True, capture_output=True)
    [made] = place.glob("*.whl")
    return made


class Environment:
    """A virtual environment with one pinned set and the wheel."""

    def __init__(self, place: Path, *, pins: str, wheel: Path) -> None:
        venv.create(place / "venv", with_pip=False)  # Debian's Python may not have ensurepip; pip works from outside
        self.bin = place / "venv" / "bin"
        self.directory = place
        self.variables = {"HORTUS_HOME": str(place / "home"), "HOME": str(place), "PATH": "/usr/bin:/bin"}
        pip = [sys.executable, "-m", "pip", "--python", str(self.bin / "python"), "--quiet"]
        fixed = [*pip, "install", "--no-index", "--find-links", str(WHEELS)]
        subprocess.run([*fixed, "--require-hashes", "-r", str(ROOT / "requirements" / f"{pins}.txt")], check=True)
        subprocess.run([*fixed, "--no-deps", str(wheel)], check=True)
        subprocess.run([*pip, "check"], check=True)

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [str(self.bin / "hortus"), *arguments]
        return subprocess.run(
            command, cwd=self.directory, env=self.variables, capture_output=True, text=True, timeout=120
        )


@pytest.fixture(scope="module")
def base(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    return Environment(tmp_path_factory.mktemp("base"), pins="gateway", wheel=wheel)


@pytest.fixture(scope="module")
def local(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    return Environment(tmp_path_factory.mktemp("local"), pins="local", wheel=wheel)


def test_the_base_install_has_the_command_line_and_the_catalog(base: Environment) -> None:
    assert base.run("version").returncode == 0
    found = msgspec.json.decode(base.run("catalog", "mistral", "large", "--json").stdout)
    assert any("mistral-large" in one["id"] for one in found)


def test_the_base_install_says_what_is_missing_to_run_a_garden(base: Environment) -> None:
    done = base.run("up", "--once", "--port", "0")
    assert done.returncode == 1
    assert "hortus[local]" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_local_install_answers_a_first_question(local: Environment) -> None:
    done = local.run("up", "--once", "--port", "0")
    assert done.returncode == 0, done.stderr
    assert "seedling" in done.stdout
    assert "rcp_" in done.stdout


def test_the_wheel_carries_weights_licence_and_migrations(wheel: Path) -> None:
    listing = subprocess.run(
        [sys.executable, "-m", "zipfile", "-l", str(wheel)], check=True, capture_output=True, text=True
    )
    for wanted in (
        "seedling/gguf/model.gguf",
        "seedling/facts.json",
        "model.safetensors",
        "LICENSE",
        "store/migrations/versions",
        "py.typed",
        "hosts.toml",
    ):
        assert wanted in listing.stdout
