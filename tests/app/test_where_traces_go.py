"""Where traces go, out of settings, environment and credentials."""

from __future__ import annotations

from pathlib import Path

import pytest

from hortus.app.home import Home
from hortus.app.settings import load_settings
from hortus.app.tracing import Tracing, read_tracing
from hortus.base.errors import ConfigurationError

ENDPOINT, HEADERS = "OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_HEADERS"


def read(directory: Path, environment: dict[str, str] | None = None, **flags: object) -> Tracing | None:
    loaded = load_settings(flags, environment={"HOME": str(directory), **(environment or {})}, directory=directory)
    return read_tracing(loaded, Home(directory))


def test_nothing_is_sent_where_nothing_is_set(tmp_path: Path) -> None:
    assert read(tmp_path, {HEADERS: "a=b"}) is None


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("http://127.0.0.1:4318", "http://127.0.0.1:4318/v1/traces"),
        ("http://127.0.0.1:4318/", "http://127.0.0.1:4318/v1/traces"),
        ("https://host.example/api/otel", "https://host.example/api/otel/v1/traces"),
        ("https://host.example/v1/traces", "https://host.example/v1/traces"),
    ],
)
def test_the_protocols_path_is_added(tmp_path: Path, given: str, expected: str) -> None:
    tracing = read(tmp_path, {ENDPOINT: given})
    assert tracing is not None
    assert tracing.url == expected


def test_our_variable_goes_before_everybodys(tmp_path: Path) -> None:
    tracing = read(tmp_path, {ENDPOINT: "http://a:1", "HORTUS_OTLP_ENDPOINT": "http://b:2"})
    assert tracing is not None
    assert tracing.url.startswith("http://b:2/")


def test_headers_are_read_from_everybodys_variable(tmp_path: Path) -> None:
    tracing = read(tmp_path, {HEADERS: "Authorization=Bearer%20abc, x-team = a%2Cb"}, otlp_endpoint="http://a:1")
    assert tracing is not None
    assert tracing.headers == {
        "content-type": "application/json",
        "authorization": "Bearer abc",
        "x-team": "a,b",
    }


def test_headers_are_read_from_a_credential_file(tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.credentials.mkdir()
    (home.credentials / "collector").write_text("x-key=k\n", "utf-8")
    tracing = read(tmp_path, otlp_endpoint="http://a:1", otlp_headers="file:collector")
    assert tracing is not None
    assert tracing.headers["x-key"] == "k"


def test_headers_that_are_named_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="missing or empty"):
        read(tmp_path, otlp_endpoint="http://a:1", otlp_headers="file:collector")


@pytest.mark.parametrize("text", ["secret-word", "a b=secret-word", "a=secret-word%0Ax: y", "=secret-word"])
def test_headers_that_are_none_are_refused_without_showing_them(tmp_path: Path, text: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        read(tmp_path, {HEADERS: text}, otlp_endpoint="http://a:1")
    assert HEADERS in str(caught.value)
    assert "secret-word" not in str(caught.value)


@pytest.mark.parametrize(
    "address",
    [
        *("collector:4318", "grpc://a:1", "http://", "http://a:port", "http://user:secret-word@a:1"),
        *("http://a:1/?key=secret-word", "http://a:1/#secret-word"),
    ],
)
def test_an_address_that_is_none_or_holds_a_secret_is_refused_without_showing_it(tmp_path: Path, address: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        read(tmp_path, {ENDPOINT: address})
    assert ENDPOINT in str(caught.value)
    assert "secret-word" not in str(caught.value)


def test_what_is_kept_of_headers_is_not_shown(tmp_path: Path) -> None:
    assert "secret-word" not in repr(read(tmp_path, {HEADERS: "a=secret-word"}, otlp_endpoint="http://a:1"))
