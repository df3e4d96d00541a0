from __future__ import annotations

from pathlib import Path

import pytest
from commandline import run

from hortus.app.settings import Settings


def test_show_names_where_each_setting_came_from(tmp_path: Path) -> None:
    (tmp_path / "hortus.toml").write_text("[settings]\nworkers = 3\n")
    shown = run("config", "show", "--json", at=tmp_path, environment={"HORTUS_PORT": "8123"}).json
    assert shown["settings"]["workers"] == {"value": 3, "origin": f"file {tmp_path / 'hortus.toml'}"}
    assert shown["settings"]["port"] == {"value": 8123, "origin": "environment HORTUS_PORT"}
    assert shown["settings"]["host"] == {"value": "127.0.0.1", "origin": "default"}
    assert shown["home"] == str(tmp_path / "home")


def test_show_alone_is_what_config_does(tmp_path: Path) -> None:
    assert run("config", at=tmp_path) == run("config", "show", at=tmp_path)


def test_settings_lists_every_setting_within_80_columns(tmp_path: Path) -> None:
    ran = run("config", "settings", at=tmp_path)
    assert all(name in ran.out for name in Settings.__struct_fields__)
    assert max(map(len, ran.out.splitlines())) <= 80
    assert "[settings]" in ran.err


def test_settings_as_json_have_name_default_unit_and_meaning(tmp_path: Path) -> None:
    rows = run("config", "settings", "--json", at=tmp_path).json
    assert [row["name"] for row in rows] == list(Settings.__struct_fields__)
    assert all(row["meaning"].endswith(".") for row in rows)


def test_a_right_file_is_said_to_be_right(tmp_path: Path) -> None:
    (tmp_path / "hortus.toml").write_text(
        '[[project]]\nname = "lab"\n\n[[route]]\nname = "r"\nendpoints = ["seedling"]\n'
    )
    ran = run("config", "check", at=tmp_path)
    assert ran.code == 0
    assert "1 project, 1 route" in ran.err
    assert run("config", "check", "--json", at=tmp_path).json["declares"]["route"] == 1


def test_a_currency_is_known_by_a_rate_of_the_same_file(tmp_path: Path) -> None:
    (tmp_path / "hortus.toml").write_text(
        '[[limit]]\nname = "b"\nmoney = 1\nper = "day"\ncurrency = "XTS"\n\n'
        '[[rate]]\nfrom = "XTS"\nto = "EUR"\nfactor = 0.5\nsince = 2026-11-01\nsource = "test"\n'
    )
    assert "1 limit, 1 rate" in run("config", "check", at=tmp_path).err


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[settings\n", ":1"),
        ("[settings]\nworkers = -1\n", ":2: workers"),
        ("[settings]\nwrokers = 1\n", "wrokers"),
        ('[[endpoint]]\nname = "x"\n', "endpoint[0]"),
        ('\n\n[[route]]\nname = "r"\nendpoints = ["missing"]\n', ":5"),
        ('[[project]]\nname = "a"\n\n[[project]]\nname = "a"\n', "twice"),
        (
            '[[limit]]\nname = "b"\nmoney = 1\nper = "day"\ncurrency = "XTS"\n',
            ":5 limit[0].currency: No rate leads to XTS",
        ),
    ],
)
def test_a_wrong_file_is_refused_with_file_and_place(tmp_path: Path, text: str, expected: str) -> None:
    (tmp_path / "other.toml").write_text(text)
    ran = run("config", "check", "other.toml", at=tmp_path)
    assert ran.code == 1
    assert "other.toml" in ran.err
    assert expected in ran.err
    assert "Traceback" not in ran.err


def test_no_file_is_said_to_be_missing(tmp_path: Path) -> None:
    assert "no hortus.toml" in run("config", "check", at=tmp_path).err
    assert "none.toml" in run("config", "check", "none.toml", at=tmp_path).err


def test_up_refuses_a_wrong_file_before_it_starts_anything(tmp_path: Path) -> None:
    (tmp_path / "hortus.toml").write_text('[[route]]\nname = "r"\nendpoints = ["missing"]\n')
    ran = run("up", "--once", "--port", "0", at=tmp_path)
    assert ran.code == 1
    assert "missing" in ran.err
    assert not (tmp_path / "home").exists()


def test_up_refuses_to_be_reached_without_tls(tmp_path: Path) -> None:
    ran = run("up", "--once", "--host", "0.0.0.0", at=tmp_path)
    assert ran.code == 1
    assert "--insecure-http" in ran.err


def test_up_has_a_flag_for_every_setting(tmp_path: Path) -> None:
    shown = run("up", "--help", at=tmp_path, environment={"COLUMNS": "200"}).out
    assert all(f"--{name.replace('_', '-')}" in shown for name in Settings.__struct_fields__)
