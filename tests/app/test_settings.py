from pathlib import Path

import pytest

from hortus.app.settings import Settings, find_home, load_settings, setting_rows
from hortus.base.errors import ConfigurationError


def load(tmp_path: Path, *, toml: str | None = None, environment: dict[str, str] | None = None, **flags: object):
    if toml is not None:
        (tmp_path / "hortus.toml").write_text(toml, "utf-8")
    return load_settings(flags, environment={"HOME": str(tmp_path), **(environment or {})}, directory=tmp_path)


def test_a_flag_beats_the_environment_which_beats_the_file_which_beats_the_default(tmp_path: Path) -> None:
    toml = "[settings]\nport = 1\nworkers = 1\nbody_limit_mib = 1\n"
    loaded = load(tmp_path, toml=toml, environment={"HORTUS_PORT": "2", "HORTUS_WORKERS": "2"}, port=3)
    settings = loaded.settings
    assert (settings.port, settings.workers, settings.body_limit_mib) == (3, 2, 1)
    assert settings.drain_s == Settings().drain_s
    assert loaded.origins["port"] == "flag --port"
    assert loaded.origins["workers"] == "environment HORTUS_WORKERS"
    assert loaded.origins["body_limit_mib"].endswith("hortus.toml")
    assert loaded.origins["drain_s"] == "default"


def test_the_admin_port_is_next_to_the_door(tmp_path: Path) -> None:
    assert load(tmp_path, port=9000).settings.actual_admin_port == 9001
    assert load(tmp_path, port=9000, admin_port=7).settings.actual_admin_port == 7
    assert load(tmp_path, port=0).settings.actual_admin_port == 0


def test_the_file_is_found_above_the_working_directory(tmp_path: Path) -> None:
    (tmp_path / "hortus.toml").write_text("[settings]\nport = 7000\n", "utf-8")
    below = tmp_path / "a" / "b"
    below.mkdir(parents=True)
    loaded = load_settings({}, environment={}, directory=below)
    assert loaded.settings.port == 7000
    assert loaded.home == tmp_path / ".hortus"


def test_the_home_is_named_or_beside_the_file_or_in_the_data_directory(tmp_path: Path) -> None:
    assert find_home({"HORTUS_HOME": str(tmp_path / "x")}, config_file=None) == tmp_path / "x"
    assert find_home({}, config_file=tmp_path / "hortus.toml") == tmp_path / ".hortus"
    assert find_home({"XDG_DATA_HOME": "/data"}, config_file=None) == Path("/data/hortus")
    assert find_home({"HOME": "/people/ada"}, config_file=None) == Path("/people/ada/.local/share/hortus")


@pytest.mark.parametrize(
    ("toml", "environment", "flags", "expected"),
    [
        ("[settings]\nprt = 1\n", {}, {}, "settings.prt"),
        ("[settings]\nport = 'x'\n", {}, {}, "port"),
        ("settings = 3\n", {}, {}, "[settings]"),
        ("[settings\n", {}, {}, "hortus.toml:1: not TOML"),
        (None, {"HORTUS_PORT": "99999"}, {}, "HORTUS_PORT"),
        (None, {"HORTUS_JOURNAL_SYNC": "never"}, {}, "HORTUS_JOURNAL_SYNC"),
        (None, {}, {"host": "0.0.0.0"}, "--insecure-http"),
        (None, {}, {"admin_host": "192.0.2.1"}, "no TLS"),
        (None, {}, {"tls_cert": "cert.pem"}, "tls_cert and tls_key together"),
    ],
)
def test_a_wrong_setting_is_refused_with_its_origin(
    tmp_path: Path, toml: str | None, environment: dict[str, str], flags: dict[str, object], expected: str
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        load(tmp_path, toml=toml, environment=environment, **flags)
    assert expected in str(caught.value)


def test_a_public_address_is_allowed_with_tls_or_on_purpose(tmp_path: Path) -> None:
    assert load(tmp_path, host="0.0.0.0", tls_cert="c", tls_key="k").settings.host == "0.0.0.0"
    assert load(tmp_path, host="0.0.0.0", insecure_http=True).settings.insecure_http


def test_proxies_are_taken_from_the_variables_everybody_uses(tmp_path: Path) -> None:
    settings = load(tmp_path, environment={"https_proxy": "http://p:1", "NO_PROXY": "a,b"}).settings
    assert (settings.https_proxy, settings.no_proxy) == ("http://p:1", "a,b")


def test_lists_in_the_environment_are_separated_by_commas(tmp_path: Path) -> None:
    settings = load(tmp_path, environment={"HORTUS_TRUSTED_PROXIES": "10.0.0.0/8, ::1"}).settings
    assert settings.trusted_proxies == ("10.0.0.0/8", "::1")


def test_every_setting_has_a_sentence() -> None:
    rows = setting_rows()
    assert {row[0] for row in rows} == set(Settings.__struct_fields__)
    assert all(sentence.endswith(".") for *_, sentence in rows)


def test_paths_in_the_file_start_where_the_file_is(tmp_path: Path) -> None:
    (tmp_path / "hortus.toml").write_text('[settings]\nca_bundle = "ca.pem"\n', "utf-8")
    below = tmp_path / "below"
    below.mkdir()
    assert load_settings({}, environment={}, directory=below).settings.ca_bundle == str(tmp_path / "ca.pem")
    flags = {"ca_bundle": "other.pem"}
    assert load_settings(flags, environment={}, directory=below).settings.ca_bundle == str(below / "other.pem")


@pytest.mark.parametrize(
    "url",
    [
        "models.example.org",
        "https://",
        "https://user:secret@models.example.org",
        "https://a b",
        "https://x?q",
        "ftp://x",
    ],
)
def test_a_public_address_that_is_none_is_refused_at_the_start_and_not_repeated(tmp_path: Path, url: str) -> None:
    with pytest.raises(ConfigurationError, match="public_url is no plain") as caught:
        load(tmp_path, public_url=url)
    assert "secret" not in str(caught.value)


def test_a_public_address_may_have_a_port_and_a_path(tmp_path: Path) -> None:
    url = "https://models.example.org:8443/ai"
    assert load(tmp_path, public_url=url).settings.public_url == url
