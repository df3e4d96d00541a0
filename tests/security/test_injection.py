"""Nothing that a client writes into a header, a path, a query or a name becomes another request at the host."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import quote

import httpx2
import msgspec
import pytest

from gateway.workplace import KEY, Workplace
from hortus.testkit.replay_host import ReplayHost, Seen
from security.doors import AUTH, DIALECTS, asking, exchange, make_place, statuses

OPENED = {"authorization": f"Bearer {KEY}"}
MARK = "x-injected"


@pytest.fixture(scope="module")
def host() -> Iterator[ReplayHost]:
    with ReplayHost() as one:
        yield one


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, host: ReplayHost) -> Iterator[Workplace]:
    one = make_place(tmp_path_factory.mktemp("home"), host)
    try:
        one.start()
        yield one
    finally:
        one.close()


@pytest.fixture(scope="module")
def usual(place: Workplace, host: ReplayHost) -> dict[str, Seen]:
    """What the host sees of an innocent request, by dialect."""
    found = {}
    for dialect in DIALECTS:
        path, body = asking(dialect)
        assert httpx2.post(f"{place.url}{path}", json=body, headers=OPENED).status_code == 200
        found[dialect] = host.seen[-1]
    return found


HEADERS = [
    *("anthropic-beta", "anthropic-version", "openai-beta", "openai-organization", "openai-project"),
    *("x-goog-api-client", "x-goog-user-project", "x-goog-api-key", "x-api-key", "api-key", "cookie"),
    *("x-request-id", "traceparent", "tracestate", "baggage", "user-agent", "accept"),
    *("hortus-receipt", "hortus-route", "hortus-policy", "hortus-loss", "x-forwarded-for", "forwarded", "via"),
    *("accept-encoding", "range", "if-none-match", "te", "proxy-authorization", "x-stainless-lang"),
]
PASSED = {
    ("anthropic_messages", "anthropic-beta"),
    ("anthropic_messages", "anthropic-version"),
    *((dialect, name) for dialect in DIALECTS for name in ("x-request-id", "traceparent")),
}
"""The only headers of a client that a host may see."""

VALUES = {
    "line break, escaped": f"a%0d%0a{MARK}: 1".encode(),
    "line break, as JSON has it": rf"a\r\n{MARK}: 1".encode(),
    "bytes above ASCII": b"a\xff\xfe\x80",
    "line separator of Unicode": f"a\u2028{MARK}: 1\u0085".encode(),
    "letters that are cut to a line break": f"a\u010d\u010a{MARK}: 1".encode(),
    "quotes and commas": b'a", b="c", d;e=f',
    "tab": b"a\tb",
    "long": b"a" * 8_000,
    "empty": b"",
}


@pytest.mark.parametrize("value", VALUES.values(), ids=VALUES)
@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_header_of_a_client_adds_nothing_to_what_the_host_sees(
    place: Workplace, host: ReplayHost, usual: dict[str, Seen], dialect: str, value: bytes
) -> None:
    path, body = asking(dialect)
    data = msgspec.json.encode(body)
    for name in HEADERS:
        is_credential = name in {"x-api-key", "x-goog-api-key", "api-key"}
        head = f"POST {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-type: application/json\r\n".encode()
        line = name.encode() + b": " + value + b"\r\n"
        before = len(host.seen)
        answer = exchange(place.port, head + AUTH + line + b"content-length: %d\r\n\r\n" % len(data) + data)
        assert len(statuses(answer)) == 1, name
        assert MARK.encode() + b": 1\r\n" not in answer.lower(), name
        for seen in host.seen[before:]:
            assert seen.path == usual[dialect].path, name
            assert seen.headers.keys() <= usual[dialect].headers.keys() | {"traceparent", "anthropic-beta"}, name
            is_passed = (dialect, name) in PASSED
            changed = {key for key, text in seen.headers.items() if usual[dialect].headers.get(key) != text}
            assert changed <= {"x-request-id", *({name} if is_passed else ())}, name
            assert not is_credential or seen.headers == usual[dialect].headers | {
                "x-request-id": seen.headers["x-request-id"]
            }


@pytest.mark.parametrize("byte", [b"\r", b"\n", b"\0", b"\x0b", b"\x7f", b"\r\n x"])
@pytest.mark.parametrize("name", ["anthropic-beta", "x-request-id", "idempotency-key", "traceparent", "hortus-route"])
def test_a_header_with_a_control_character_is_no_request(
    place: Workplace, host: ReplayHost, name: str, byte: bytes
) -> None:
    before = len(host.seen)
    line = name.encode() + b": a" + byte + b"b\r\n"
    answer = exchange(
        place.port, b"POST /v1/messages HTTP/1.1\r\nhost: x\r\n" + AUTH + line + b"content-length: 2\r\n\r\n{}"
    )
    assert statuses(answer) == [400]
    assert len(host.seen) == before


NAMES = [
    *("..", ".", "../../../etc/passwd", "..%2f..%2fx", "%2e%2e/%2e%2e/x", "..;/x", "gemini/../plain", "a/../gemini"),
    *("gemini?key=x", "gemini#x", "gemini%3Fkey=x", "gemini%23x", "//evil.example/x", "http://evil.example/", "@evil"),
    *("gemini:streamGenerateContent?alt=sse&x=", "gemini%0d%0aX: y", "gemini\r\nX: y", "gemini\x00", "gemini\n"),
    *(
        "gemini%252e",
        "gemini ",
        " gemini",
        "GEMINI",
        "gemini\u2024",
        "ge\u200bmini",
        "\u0261emini",
        "gemini\\",
        "models/gemini",
    ),
    *("gemini\x1b[31m", "a" * 4_000, "{model}", "gemini%00", "", "*", "plain,gemini", '"', "gemini'--"),
]


@pytest.mark.parametrize("name", NAMES)
def test_a_name_that_is_no_route_reaches_no_host_wherever_it_stands(
    place: Workplace, host: ReplayHost, usual: dict[str, Seen], name: str
) -> None:
    before = len(host.seen)
    for dialect in DIALECTS:
        path, body = asking(dialect, "ROUTE")
        text = msgspec.json.encode(body).replace(b'"ROUTE"', msgspec.json.encode(name))
        for spelt in {
            path.replace("ROUTE", quote(name, safe="")),
            path.replace("ROUTE", quote(name, safe="/:?#%@=&*{},")),
        }:
            head = (
                f"POST {spelt} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-type: application/json\r\n".encode()
            )
            answer = exchange(place.port, head + AUTH + b"content-length: %d\r\n\r\n" % len(text) + text)
            found = statuses(answer)
            assert len(found) == 1
            assert not re.search(rb"[\x00-\x08\x0b\x0c\x0e-\x1f]", answer.partition(b"\r\n\r\n")[2])
            if found != [200]:
                assert found[0] in {400, 404, 405}
    streamed = usual["gemini"].path.replace("generate", "streamGenerate") + "?alt=sse"
    assert {seen.path for seen in host.seen[before:]} <= {usual["gemini"].path, streamed}


@pytest.mark.parametrize(
    "query",
    [
        *("alt=sse%0d%0aX:%20y", "alt=sse&key=stolen", "alt=%26key%3Dstolen", "key=stolen", "x=/../../y", "alt=sse%23"),
        *(
            "alt=json&alt=sse&%24alt=proto",
            "%61lt=proto",
            "upload_protocol=raw",
            "fields=*",
            "access_token=stolen",
            "quotaUser=x",
        ),
    ],
)
def test_a_query_adds_nothing_but_the_form_of_the_answer(
    place: Workplace, host: ReplayHost, usual: dict[str, Seen], query: str
) -> None:
    before = len(host.seen)
    for dialect in DIALECTS:
        path, body = asking(dialect)
        httpx2.post(f"{place.url}{path}?{query}", json=body, headers=OPENED)
    for seen in host.seen[before:]:
        path, _, sent = seen.path.partition("?")
        assert path in {one.path for one in usual.values()}
        assert set(re.findall(r"(?:^|&)([^=]+)=", sent)) <= {"alt", "%24alt"}
        assert "stolen" not in seen.path.replace("%26key%3Dstolen", "")
        assert "stolen" not in str(seen.headers)


TWICE = {
    "another name first": '{"model":"no-such","model":"ROUTE",',
    "escaped": '{"model":"no-such","mod\\u0065l":"ROUTE",',
    "escaped first": '{"\\u006dodel":"no-such","model":"ROUTE",',
    "in capitals": '{"Model":"no-such","model":"ROUTE",',
    "in capitals behind": '{"model":"ROUTE","MODEL":"no-such",',
    "letter that is a small k elsewhere": '{"model":"ROUTE","mode\\u006c":"ROUTE",',
    "nested": '{"model":"ROUTE","extra_body":{"model":"no-such"},',
    "name with a NUL": '{"model":"ROUTE","model\\u0000":"no-such",',
    "as a list": '{"model":["no-such"],"model":"ROUTE",',
    "number": '{"model":"ROUTE","model":1,',
    "only in capitals": '{"MODEL":"ROUTE",',
    "long s": '{"model":"ROUTE","me\\u017f\\u017fages":[],',
}


@pytest.mark.parametrize("text", TWICE.values(), ids=TWICE)
@pytest.mark.parametrize("dialect", ["openai_chat", "openai_responses", "anthropic_messages", "mistral", "cohere_v2"])
def test_one_model_is_judged_and_that_one_is_sent(place: Workplace, host: ReplayHost, dialect: str, text: str) -> None:
    path, body = asking(dialect)
    body.pop("model")
    sent = text.replace("ROUTE", dialect).encode() + msgspec.json.encode(body)[1:]
    before = len(host.seen)
    answer = httpx2.post(f"{place.url}{path}", content=sent, headers={**OPENED, "content-type": "application/json"})
    assert answer.status_code in {200, 400, 404}
    assert (answer.status_code == 200) == (len(host.seen) > before)
    for seen in host.seen[before:]:
        pairs = re.findall(
            rb'"((?:[^"\\]|\\.)*)":', seen.body.replace(b'"extra_body":{"model":"no-such"}', b'"extra":1')
        )
        named = [name for name in pairs if msgspec.json.decode(b'"' + name + b'"').lower() == "model"]
        assert named == [b"model"]
        assert seen.json["model"] == "fake"


@pytest.mark.parametrize(
    ("dialect", "members"),
    [
        ("openai_chat", {"Stream": True}),
        ("openai_chat", {"max_tokens": 1, "Max_Tokens": 9_999}),
        ("openai_chat", {"STORE": True}),
        ("openai_chat", {"Tools": []}),
        ("openai_responses", {"Store": True}),
        ("openai_responses", {"Previous_Response_Id": "resp_of_others"}),
        ("anthropic_messages", {"Max_tokens": 9_999}),
        ("anthropic_messages", {"Mcp_Servers": []}),
        ("gemini", {"generationConfig": {"maxOutputTokens": 1}, "generation_config": {"maxOutputTokens": 9_999}}),
        ("gemini", {"cachedContent": "a", "cached_content": "b"}),
        ("mistral", {"max_tokens": 1, "Max_Tokens": 9_999}),
        ("mistral", {"Stream": True}),
        ("mistral", {"Tools": []}),
        ("cohere_v2", {"max_tokens": 1, "MAX_TOKENS": 9_999}),
        ("cohere_v2", {"Stream": True}),
        ("cohere_v2", {"Documents": []}),
    ],
)
def test_a_member_that_is_judged_has_one_spelling(
    place: Workplace, host: ReplayHost, dialect: str, members: dict[str, object]
) -> None:
    path, body = asking(dialect)
    before = len(host.seen)
    answer = httpx2.post(f"{place.url}{path}", json=body | members, headers=OPENED)
    assert answer.status_code == 400
    assert len(host.seen) == before
