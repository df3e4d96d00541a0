import os
import socket
from pathlib import Path

import pytest

from hortus.app.ground import listen, lock_home, prepare_home, sweep_home, url_of, write_private
from hortus.app.home import Home
from hortus.base.errors import InstallationError


def test_a_home_is_private_to_its_owner(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    prepare_home(home)
    for place in (home.root, home.run, home.journal, home.credentials, home.engines):
        assert place.stat().st_mode & 0o077 == 0


def test_stale_engine_files_are_cleared(tmp_path: Path) -> None:
    home = Home(tmp_path)
    prepare_home(home)
    (home.engines / "old.json").write_text("{}")
    sweep_home(home)
    assert not list(home.engines.iterdir())


def test_preparing_leaves_the_files_of_a_living_hortus_alone(tmp_path: Path) -> None:
    home = Home(tmp_path)
    prepare_home(home)
    (home.engines / "seedling.json").write_text("{}")
    prepare_home(home)
    assert list(home.engines.iterdir())


def test_a_home_whose_path_is_too_long_for_sockets_is_refused_with_advice(tmp_path: Path) -> None:
    with pytest.raises(InstallationError, match=r"too long.*shorter path"):
        prepare_home(Home(tmp_path / ("a" * 100)))


def test_a_home_that_is_a_file_is_refused_with_advice(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InstallationError, match="HORTUS_HOME"):
        prepare_home(Home(tmp_path / "file"))


def test_only_one_hortus_runs_on_a_home(tmp_path: Path) -> None:
    home = Home(tmp_path)
    prepare_home(home)
    held = lock_home(home)
    with pytest.raises(InstallationError, match="another Hortus"):
        lock_home(home)
    os.close(held)
    os.close(lock_home(home))


def test_an_occupied_port_is_named(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(InstallationError, match=f"port {port}.*--admin-port"):
            listen("127.0.0.1", port, purpose="admin API")


@pytest.mark.parametrize(("host", "shown"), [("127.0.0.1", "127.0.0.1"), ("::1", "[::1]"), ("0.0.0.0", "127.0.0.1")])
def test_the_address_shown_is_one_that_this_machine_reaches(host: str, shown: str) -> None:
    with listen(host, 0, purpose="door") as listener:
        assert url_of(listener, is_tls=False) == f"http://{shown}:{listener.getsockname()[1]}"
        assert url_of(listener, is_tls=True).startswith("https://")


def test_private_files_are_replaced_whole(tmp_path: Path) -> None:
    file = tmp_path / "f"
    write_private(file, b"one")
    write_private(file, b"two")
    assert file.read_bytes() == b"two"
    assert file.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [file]
