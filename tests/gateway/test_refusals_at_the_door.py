"""What is refused before any host is asked: in OpenAI's form, with a receipt, and written down."""

from __future__ import annotations

import socket

import httpx2
import msgspec
import openai
import pytest
from workplace import EXPIRED_KEY, KEY, NARROW_KEY, Workplace, wait_until

from hortus.gateway.settle import STRANGERS_PER_S
from hortus.receipts.records import Refused
from hortus.testkit.replay_host import ReplayHost

CHAT = "/v1/chat/completions"
JSON = {"content-type": "application/json"}
GOOD = b'{"model":"plain","messages":[]}'


def ask(
    workplace: Workplace, content: bytes = GOOD, path: str = CHAT, method: str = "POST", **headers: str
) -> httpx2.Response:
    given = {
        "authorization": f"Bearer {KEY}",
        **JSON,
        **{name.replace("_", "-"): text for name, text in headers.items()},
    }
    return httpx2.request(method, f"{workplace.url}{path}", content=content, headers=given)


@pytest.mark.parametrize(
    ("content", "headers", "status", "code"),
    [
        (b"", {}, 400, "invalid_json"),
        (b"[]", {}, 400, "invalid_json"),
        (b'{"model":', {}, 400, "invalid_json"),
        (b'{"model":"plain","x":"\\ud800"}', {}, 400, "invalid_request"),
        (b"{}", {}, 400, "invalid_request"),
        (b'{"model":"plain","stream":"yes"}', {}, 400, "invalid_request"),
        (b'{"model":"no-such-route"}', {}, 404, "model_not_found"),
        (GOOD, {"content_type": "application/x-www-form-urlencoded"}, 415, "unsupported_media_type"),
        (GOOD, {"content_encoding": "gzip"}, 415, "unsupported_media_type"),
        (GOOD, {"authorization": ""}, 401, "invalid_api_key"),
        (GOOD, {"authorization": "Basic dTpw"}, 401, "invalid_api_key"),
        (GOOD, {"authorization": "Bearer sk-somebody-elses"}, 401, "invalid_api_key"),
        (GOOD, {"authorization": "Bearer hortus_sk_" + "u" * 40}, 401, "invalid_api_key"),
        (GOOD, {"authorization": f"Bearer {EXPIRED_KEY}"}, 401, "invalid_api_key"),
        (GOOD, {"authorization": f"Bearer {NARROW_KEY}", "x_request_id": "kept"}, 200, None),
        (b'{"model":"slow"}', {"authorization": f"Bearer {NARROW_KEY}"}, 404, "model_not_found"),
        (b'{"model":"' + b"m" * 3000 + b'"}', {}, 404, "model_not_found"),
        (b'{"model":"plain","x":"' + b"x" * 2**20 + b'"}', {}, 413, "request_too_large"),
        (b'{"model":"no-credential"}', {}, 403, "no_eligible_endpoint"),
    ],
)
def test_each_wrong_request_has_its_error(
    workplace: Workplace, content: bytes, headers: dict[str, str], status: int, code: str | None
) -> None:
    answer = ask(workplace, content, **headers)
    assert answer.status_code == status
    assert answer.headers["hortus-receipt"].startswith("rcp_")
    assert answer.headers["x-request-id"]
    if code is not None:
        error = answer.json()["error"]
        assert (error["code"], set(error)) == (code, {"message", "type", "param", "code"})
        assert len(error["message"]) < 500
        assert answer.headers["x-should-retry"] == "false"


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/v1/nothing", 404, "unknown_path"),
        ("GET", "/", 404, "unknown_path"),
        ("GET", CHAT, 405, "method_not_allowed"),
        ("POST", "/v1/models", 405, "method_not_allowed"),
        ("OPTIONS", "/v1/models/plain", 405, "method_not_allowed"),
    ],
)
def test_paths_and_methods_are_judged_first(
    workplace: Workplace, method: str, path: str, status: int, code: str
) -> None:
    answer = ask(workplace, path=path, method=method, authorization="")
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    assert answer.headers.get("allow") == {405: "POST" if path == CHAT else "GET"}.get(status)


@pytest.mark.parametrize("path", ["/chat/completions", "/v1/v1/chat/completions", "/v1/chat/completions/"])
def test_a_wrong_base_url_is_explained(workplace: Workplace, path: str) -> None:
    assert "Did you mean /v1/chat/completions?" in ask(workplace, path=path).json()["error"]["message"]


def test_a_missing_content_type_is_taken_as_json(workplace: Workplace) -> None:
    request = httpx2.Request("POST", f"{workplace.url}{CHAT}", content=GOOD, headers={"authorization": f"Bearer {KEY}"})
    with httpx2.Client() as client:
        assert client.send(request).status_code == 200


def test_a_chunked_body_over_the_limit_is_refused_and_the_worker_lives_on(workplace: Workplace) -> None:
    def parts():
        yield b'{"model":"plain","x":"'
        for _ in range(40):
            yield b"x" * 65536

    try:
        answer = httpx2.post(
            f"{workplace.url}{CHAT}", content=parts(), headers={"authorization": f"Bearer {KEY}", **JSON}
        )
    except httpx2.WriteError:
        pass
    else:
        assert answer.status_code == 413
    assert ask(workplace).status_code == 200


def test_a_body_is_not_invited_when_it_is_too_large(workplace: Workplace) -> None:
    head = (
        f"POST {CHAT} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {KEY}\r\ncontent-type: application/json\r\n"
        "content-length: 99999999\r\nexpect: 100-continue\r\nconnection: close\r\n\r\n"
    )
    answer = workplace.ask_raw(head.encode())
    assert answer.startswith(b"HTTP/1.1 413 ")


def test_a_body_that_is_expected_is_invited(workplace: Workplace) -> None:
    head = (
        f"POST {CHAT} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {KEY}\r\ncontent-type: application/json\r\n"
        f"content-length: {len(GOOD)}\r\nexpect: 100-continue\r\nconnection: close\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", workplace.port), timeout=10) as connection:
        connection.sendall(head.encode())
        assert connection.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(GOOD)
        assert connection.recv(100).startswith(b"HTTP/1.1 200 OK")


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (b"GET / HTTP/1.1\r\nhost: x\r\n" + b"x-a: b\r\n" * 200 + b"\r\n", b"431"),
        (b"GET / HTTP/1.1\r\nhost: x\r\nx-a: " + b"b" * 70_000 + b"\r\n\r\n", b"431"),
        (b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\nhost: x\r\n\r\n", b"431"),
        (b"this is not HTTP\r\n\r\n", b"400"),
        (b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n", b"400"),
    ],
)
def test_heads_are_bounded_and_must_be_http(workplace: Workplace, request_bytes: bytes, status: bytes) -> None:
    answer = workplace.ask_raw(request_bytes)
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.split(b" ", 2)[1] == status
    assert set(msgspec.json.decode(body)["error"]) == {"message", "type", "param", "code"}


def test_a_websocket_is_refused_with_advice(workplace: Workplace) -> None:
    request = (
        "GET /v1/models HTTP/1.1\r\nhost: x\r\nconnection: Upgrade\r\nupgrade: websocket\r\n"
        "sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", workplace.port), timeout=10) as connection:
        connection.sendall(request.encode())
        answer = b""
        while b"upgrade_refused" not in answer:
            answer += connection.recv(65536)
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b"set `stream` to true" in answer


def test_the_probes_need_no_key(workplace: Workplace) -> None:
    for path in ("/healthz", "/readyz"):
        answer = httpx2.get(f"{workplace.url}{path}")
        assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


def test_a_key_of_the_house_that_is_refused_is_written_down(workplace: Workplace) -> None:
    answer = ask(workplace, b'{"model":"no-credential"}')
    [refused] = workplace.records_of(answer.headers["hortus-receipt"], count=1)
    assert isinstance(refused, Refused)
    assert (refused.caller.key_id, refused.http_status, refused.error_code) == ("key_k", 403, "no_eligible_endpoint")
    assert (refused.operation, refused.route) == ("chat", "no-credential")


def test_a_wrong_name_in_model_never_enters_journal_or_log(workplace: Workplace) -> None:
    answer = ask(workplace, b'{"model":"my secret text"}')
    [refused] = workplace.records_of(answer.headers["hortus-receipt"], count=1)
    assert refused.route is None
    assert "my secret text" not in workplace.log_path.read_text()


@pytest.mark.parametrize(
    ("name", "kept"), [("no/such-route:1", "no/such-route:1"), ("not a route", None), (KEY, None), ("x" * 129, None)]
)
def test_a_name_that_is_no_route_is_in_the_receipt_if_it_could_be_one(
    workplace: Workplace, name: str, kept: str | None
) -> None:
    answer = ask(workplace, msgspec.json.encode({"model": name, "messages": []}))
    [refused] = workplace.records_of(answer.headers["hortus-receipt"], count=1)
    assert (refused.error_code, refused.route) == ("model_not_found", kept)


def test_a_flood_of_strangers_does_not_fill_the_journal(workplace: Workplace) -> None:
    def strangers() -> list[int]:
        return [one.at_ms for one in workplace.records() if isinstance(one, Refused) and one.caller.key_id is None]

    def flood() -> list[int]:
        with httpx2.Client(base_url=workplace.url) as client:
            assert {client.post(CHAT, content=GOOD, headers=JSON).status_code for _ in range(200)} == {401}
        return strangers()[before:]

    before = len(strangers())
    written = wait_until(flood)
    seconds = {at_ms // 1000 for at_ms in written}
    assert 0 < len(written) <= STRANGERS_PER_S * len(seconds)


def test_the_log_has_a_line_for_each_request_and_no_secret(workplace: Workplace, host: ReplayHost) -> None:
    answer = ask(workplace, b'{"model":"plain","messages":[{"role":"user","content":"a very private matter"}]}')
    receipt = answer.headers["hortus-receipt"]

    def line() -> dict | None:
        return next((one for one in workplace.log_lines() if one.get("receipt") == receipt), None)

    found = wait_until(line)
    assert found["event"] == "request"
    assert (found["status"], found["route"], found["key"], found["output_tokens"]) == (200, "plain", "key_k", 5)
    text = workplace.log_path.read_text()
    for secret in (KEY, "sk-host", "a very private matter", host.base_url):
        assert secret not in text


def test_the_sdk_does_not_retry_what_is_useless(workplace: Workplace, host: ReplayHost) -> None:
    before = len(host.seen)
    with (
        openai.OpenAI(base_url=f"{workplace.url}/v1", api_key=KEY, max_retries=3) as client,
        pytest.raises(openai.InternalServerError),
    ):
        client.chat.completions.create(model="says-401", messages=[])
    assert len(host.seen) == before + 1
