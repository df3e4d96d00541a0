"""Migrations lead from nothing to the tables that the code uses, once, whoever comes first."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from sqlalchemy import create_engine

from garden import NEWEST_TABLES
from hortus.store import migrating
from hortus.store.access import AccessTable
from hortus.store.database import open_store
from hortus.store.receipts import ReceiptTable
from hortus.store.schema import TABLES
from receipts.journal_examples import StepClock

CLOCK = StepClock()


def test_the_migrated_tables_are_those_of_the_code(tmp_path: Path) -> None:
    store = open_store(tmp_path / "store.sqlite", clock=CLOCK)
    with store.reading() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, TABLES) == []
    store.close()


def test_migrating_twice_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite"

    def tables() -> list[tuple[str, str]]:
        store = open_store(path, clock=CLOCK)
        with store.reading() as connection:
            found = connection.exec_driver_sql("SELECT name, sql FROM sqlite_master ORDER BY name").all()
        store.close()
        return [(row[0], row[1]) for row in found]

    assert tables() == tables()


def test_a_store_of_the_first_release_goes_on_with_what_it_holds(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite"
    config = Config()
    config.set_main_option("script_location", str(Path(migrating.__file__).parent / "migrations"))
    engine = create_engine(f"sqlite:///{path}")
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        connection.exec_driver_sql(
            "INSERT INTO projects (id, name, routes, origin, created_at_ms)"
            " VALUES ('prj_1', 'team', '[\"a\"]', 'api', 1)"
        )
        connection.exec_driver_sql(
            "INSERT INTO receipts (receipt_id, opened_at_ms, status, project_id, request_id, is_stream)"
            " VALUES ('rcp_1', 1, 'completed', 'prj_1', 'req', 0)"
        )
        connection.exec_driver_sql(
            "INSERT INTO attempts (receipt_id, number, endpoint, model, host, status, opened_at_ms, adaptations,"
            " input_bytes, output_bytes) VALUES ('rcp_1', 1, 'e', 'm', 'h', 'completed', 1, '[\"model\"]', 2, 3)"
        )
    engine.dispose()
    store = open_store(path, clock=CLOCK)
    project = AccessTable(store, CLOCK).project("team")
    assert project is not None
    assert (project.routes, project.loss) == (("a",), "standard")
    receipt = ReceiptTable(store).receipt("rcp_1")
    assert receipt is not None
    (attempt,) = receipt.attempts
    assert (attempt.adaptations, attempt.losses, attempt.answer_losses) == (("model",), (), ())
    assert attempt.host_dialect is None
    store.close()


def test_an_upgrade_that_is_cut_off_leaves_an_empty_store(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite"
    script = (
        "import os, sys; from pathlib import Path\n"
        "from hortus.app.clock import SystemClock\n"
        "from hortus.store import database\n"
        "really = database.migrate\n"
        "def cut(connection, *, path):\n    really(connection, path=path); os.kill(os.getpid(), 9)\n"
        "database.migrate = cut\n"
        "database.open_store(Path(sys.argv[1]), clock=SystemClock())\n"
    )
    done = subprocess.run([sys.executable, "-c", script, path], check=False, timeout=60)
    assert done.returncode == -9
    store = open_store(path, clock=CLOCK)
    assert store.schema_version() == NEWEST_TABLES
    store.close()


def test_processes_that_start_together_make_one_store(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite"
    script = (
        "import sys; from pathlib import Path\n"
        "from hortus.app.clock import SystemClock\n"
        "from hortus.snapshot.declared import ProjectSpec\n"
        "from hortus.store.access import AccessTable\n"
        "from hortus.store.database import open_store\n"
        "sys.stdin.readline()\n"
        "store = open_store(Path(sys.argv[1]), clock=SystemClock())\n"
        "AccessTable(store, SystemClock()).put_project(ProjectSpec(sys.argv[2]), origin='api')\n"
    )
    command = [sys.executable, "-c", script, str(path)]
    started = [subprocess.Popen([*command, f"p{number}"], stdin=subprocess.PIPE) for number in range(4)]
    for process in started:
        process.communicate(b"go\n", timeout=60)
    assert [process.returncode for process in started] == [0] * 4
    store = open_store(path, clock=CLOCK)
    with store.reading() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM projects").scalar() == 4
    store.close()
