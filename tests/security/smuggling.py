"""Requests that two programs could read differently: each hides an inner one that must never be a request.

Rows are (name, bytes, outcome at our own door). `%A` stands for the header that authenticates, `%I` for the inner
request, `%O` for the outer one's body and `%N` for its length; `%X` for the whole outer body with the inner one behind.
"""

from __future__ import annotations

OUTER = b'{"model":"plain","messages":[{"role":"user","content":"outer"}]}'
INNER_BODY = b'{"model":"plain","messages":[{"role":"user","content":"INNER"}]}'
PATH = b"/v1/chat/completions"
PROBE = b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
"""Sent behind every row: it is answered where the connection is still in order."""

REFUSED = "refused"
"""At most one answer, an error; the connection is closed; nothing went to the host."""

ANSWERED = "answered"
"""The outer request went to the host as it was judged and was answered; the connection goes on."""

DENIED = "denied"
"""The request was understood and refused for what it is; nothing went to the host; the connection goes on."""

LAST = "last"
"""As `answered`, and the connection is closed behind it."""

Row = tuple[str, bytes, str]

_HEAD = b"POST " + PATH + b" HTTP/1.1\r\nHost: x\r\n%AContent-Type: application/json\r\n"
_CHUNKED = b"%x\r\n%b\r\n0\r\n\r\n" % (len(OUTER), OUTER)
_LENGTH = b"Content-Length: %N\r\n"
_TE = b"Transfer-Encoding: chunked\r\n"

_CODINGS: tuple[tuple[str, bytes, str], ...] = (
    ("plain", b"Transfer-Encoding: chunked\r\n", REFUSED),
    ("without a blank", b"Transfer-Encoding:chunked\r\n", REFUSED),
    ("behind a tab", b"Transfer-Encoding:\tchunked\r\n", REFUSED),
    ("in capitals", b"TRANSFER-ENCODING: CHUNKED\r\n", REFUSED),
    ("blank before the colon", b"Transfer-Encoding : chunked\r\n", REFUSED),
    ("tab before the colon", b"Transfer-Encoding\t: chunked\r\n", REFUSED),
    ("line feed before the colon", b"Transfer-Encoding\n: chunked\r\n", REFUSED),
    ("blank in front", b" Transfer-Encoding: chunked\r\n", REFUSED),
    ("folded", b"Transfer-Encoding:\r\n chunked\r\n", REFUSED),
    ("folded by a tab", b"Transfer-Encoding:\r\n\tchunked\r\n", REFUSED),
    ("behind a bare line feed", b"X-A: b\nTransfer-Encoding: chunked\r\n", REFUSED),
    ("behind a bare carriage return", b"X-A: b\rTransfer-Encoding: chunked\r\n", REFUSED),
    ("ended by a bare line feed", b"Transfer-Encoding: chunked\nX-A: b\r\n", REFUSED),
    ("ended by a bare carriage return", b"Transfer-Encoding: chunked\rX-A: b\r\n", REFUSED),
    ("vertical tab in front", b"Transfer-Encoding: \x0bchunked\r\n", REFUSED),
    ("form feed behind", b"Transfer-Encoding: chunked\x0c\r\n", REFUSED),
    ("NUL in front", b"Transfer-Encoding: \x00chunked\r\n", REFUSED),
    ("byte above ASCII inside", b"Transfer-Encoding: ch\xffunked\r\n", REFUSED),
    ("in quotes", b'Transfer-Encoding: "chunked"\r\n', REFUSED),
    ("with a parameter", b"Transfer-Encoding: chunked;q=1\r\n", REFUSED),
    ("with a comma behind", b"Transfer-Encoding: chunked,\r\n", REFUSED),
    ("with a comma in front", b"Transfer-Encoding: ,chunked\r\n", REFUSED),
    ("twice in one", b"Transfer-Encoding: chunked, chunked\r\n", REFUSED),
    ("twice without a comma", b"Transfer-Encoding: chunked chunked\r\n", REFUSED),
    ("twice", b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", REFUSED),
    ("then identity", b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n", REFUSED),
    ("behind another", b"Transfer-Encoding: cow\r\nTransfer-Encoding: chunked\r\n", REFUSED),
    ("behind gzip", b"Transfer-Encoding: gzip, chunked\r\n", REFUSED),
    ("before identity", b"Transfer-Encoding: chunked, identity\r\n", REFUSED),
    ("cut short", b"Transfer-Encoding: chunk\r\n", REFUSED),
    ("with a letter more", b"Transfer-Encoding: xchunked\r\n", REFUSED),
    ("empty", b"Transfer-Encoding:\r\n", REFUSED),
    ("identity", b"Transfer-Encoding: identity\r\n", REFUSED),
    ("underscore", b"Transfer_Encoding: chunked\r\n", DENIED),
    ("another header's name", b"TE: chunked\r\n", DENIED),
    ("a name with a dot", b"Transfer-Encoding.: chunked\r\n", DENIED),
)
"""How to say "chunked" so that one program hears it and another does not."""

_LENGTHS: tuple[tuple[str, bytes, str], ...] = (
    ("twice the same", b"Content-Length: %N\r\nContent-Length: %N\r\n", REFUSED),
    ("twice, the second longer", b"Content-Length: %N\r\nContent-Length: 9999\r\n", REFUSED),
    ("twice, the first nothing", b"Content-Length: 0\r\nContent-Length: %N\r\n", REFUSED),
    ("as a list", b"Content-Length: %N, %N\r\n", REFUSED),
    ("with a plus", b"Content-Length: +%N\r\n", REFUSED),
    ("with a minus", b"Content-Length: -%N\r\n", REFUSED),
    ("minus nothing", b"Content-Length: -0\r\n", REFUSED),
    ("in hexadecimal", b"Content-Length: 0x%N\r\n", REFUSED),
    ("in bare hexadecimal", b"Content-Length: 4a\r\n", REFUSED),
    ("with an exponent", b"Content-Length: 7e1\r\n", REFUSED),
    ("with a point", b"Content-Length: %N.0\r\n", REFUSED),
    ("with an underscore", b"Content-Length: 6_4\r\n", REFUSED),
    ("empty", b"Content-Length:\r\n", REFUSED),
    ("a blank inside", b"Content-Length: 6 4\r\n", REFUSED),
    ("a NUL behind", b"Content-Length: %N\x00\r\n", REFUSED),
    ("a vertical tab in front", b"Content-Length: \x0b%N\r\n", REFUSED),
    ("blank before the colon", b"Content-Length : %N\r\n", REFUSED),
    ("folded", b"Content-Length:\r\n %N\r\n", REFUSED),
    ("behind a bare line feed", b"X-A: b\nContent-Length: %N\r\n", REFUSED),
    ("wide digits", "Content-Length: \uff16\uff14\r\n".encode(), REFUSED),
    ("2 to the 64", b"Content-Length: 18446744073709551616\r\n", REFUSED),
    ("2 to the 64 and the length", b"Content-Length: 18446744073709551680\r\n", REFUSED),
    ("300 digits", b"Content-Length: " + b"9" * 300 + b"\r\n", REFUSED),
    ("zeros in front", b"Content-Length: 000%N\r\n", ANSWERED),
    ("a tab around", b"Content-Length:\t%N\t\r\n", ANSWERED),
    ("in capitals", b"CONTENT-LENGTH: %N\r\n", ANSWERED),
)

_CHUNKS: tuple[tuple[str, bytes, str], ...] = (
    ("size with 0x", b"0x" + _CHUNKED, REFUSED),
    ("size with a plus", b"+" + _CHUNKED, REFUSED),
    ("size with a minus", b"-" + _CHUNKED, REFUSED),
    ("size behind a blank", b" " + _CHUNKED, REFUSED),
    ("size before a blank", _CHUNKED.replace(b"\r\n", b" \r\n", 1), REFUSED),
    ("size with an underscore", b"4_0\r\n" + OUTER + b"\r\n0\r\n\r\n", REFUSED),
    ("no size", b"\r\n" + OUTER + b"\r\n0\r\n\r\n", REFUSED),
    ("size that is no number", b"zz\r\n" + OUTER + b"\r\n0\r\n\r\n", REFUSED),
    ("size over 2 to the 64", b"10000000000000040\r\n" + OUTER + b"\r\n0\r\n\r\n", REFUSED),
    ("size of 17 digits", b"fffffffffffffffff\r\n" + OUTER + b"\r\n0\r\n\r\n", REFUSED),
    ("size ended by a line feed", _CHUNKED.replace(b"\r\n", b"\n", 1), REFUSED),
    ("size ended by a carriage return", _CHUNKED.replace(b"\r\n", b"\r", 1), REFUSED),
    ("everything ended by line feeds", _CHUNKED.replace(b"\r\n", b"\n"), REFUSED),
    ("data longer than its size", b"3f\r\n" + OUTER + b"\r\n0\r\n\r\n", REFUSED),
    ("data shorter than its size", b"41\r\n" + OUTER + b"\r\n0\r\n\r\n", REFUSED),
    ("data not ended", b"40\r\n" + OUTER + b"0\r\n\r\n", REFUSED),
    ("data ended by a line feed", b"40\r\n" + OUTER + b"\n0\r\n\r\n", REFUSED),
    ("extension with a line feed", b"40;a\nb\r\n" + OUTER + b"\r\n0\r\n\r\n", REFUSED),
    ("extension with a carriage return", b"40;a\rb\r\n" + OUTER + b"\r\n0\r\n\r\n", REFUSED),
    ("extension with a NUL", b"40;a\0b\r\n" + OUTER + b"\r\n0\r\n\r\n", REFUSED),
    ("extension with a hidden end", b'40;a="\r\n' + OUTER + b'\r\n0\r\n\r\n"', REFUSED),
    ("last chunk's line ended by a line feed", b"40\r\n" + OUTER + b"\r\n0\n\r\n", REFUSED),
    ("end by a line feed", b"40\r\n" + OUTER + b"\r\n0\r\n\n", REFUSED),
    ("trailer with a blank before its colon", b"40\r\n" + OUTER + b"\r\n0\r\nx : y\r\n\r\n", REFUSED),
    ("trailer that is folded", b"40\r\n" + OUTER + b"\r\n0\r\nx: y\r\n z\r\n\r\n", REFUSED),
    ("trailer with a NUL", b"40\r\n" + OUTER + b"\r\n0\r\nx: \0\r\n\r\n", REFUSED),
    ("inner request in the place of a trailer", b"40\r\n" + OUTER + b"\r\n0\r\n", REFUSED),
    ("plain", _CHUNKED, ANSWERED),
    ("zeros in front", b"0000" + _CHUNKED, ANSWERED),
    (
        "size in capitals and small letters",
        b"3F\r\n" + OUTER[:63] + b"\r\n1\r\n" + OUTER[63:] + b"\r\n0\r\n\r\n",
        ANSWERED,
    ),
    ("extension", b"40;a=b\r\n" + OUTER + b"\r\n0\r\n\r\n", ANSWERED),
    ("framing in a trailer", b"40\r\n" + OUTER + b"\r\n0\r\nContent-Length: 9\r\n\r\n", REFUSED),
    ("another path in a trailer", b"40\r\n" + OUTER + b"\r\n0\r\nHost: y\r\nX-Request-Id: z\r\n\r\n", ANSWERED),
)

_HEADERS: tuple[tuple[str, bytes, str], ...] = (
    ("bare line feed", b"X-A: b\nX-C: d\r\n", REFUSED),
    ("bare line feed as end", b"X-A: b\n\n", REFUSED),
    ("bare carriage return", b"X-A: b\rX-C: d\r\n", REFUSED),
    ("NUL in a value", b"X-A: b\0c\r\n", REFUSED),
    ("NUL in a name", b"X-\0A: b\r\n", REFUSED),
    ("control character in a value", b"X-A: b\x01c\r\n", REFUSED),
    ("DEL in a value", b"X-A: b\x7fc\r\n", REFUSED),
    ("folded", b"X-A: b\r\n c\r\n", REFUSED),
    ("folded by a tab", b"X-A: b\r\n\tc\r\n", REFUSED),
    ("no name", b": b\r\n", REFUSED),
    ("no colon", b"X-A\r\n", REFUSED),
    ("blank before the colon", b"X-A : b\r\n", REFUSED),
    ("blank in a name", b"X A: b\r\n", REFUSED),
    ("byte above ASCII in a name", b"X-\xe4: b\r\n", REFUSED),
    ("brackets in a name", b"X(A): b\r\n", REFUSED),
    ("host twice", b"Host: y\r\n", REFUSED),
    ("authorization twice", b"Authorization: Bearer other\r\n", REFUSED),
    ("content type twice", b"Content-Type: text/plain\r\n", REFUSED),
    ("a line that looks like a request", b"GET /healthz HTTP/1.1\r\n", REFUSED),
    ("byte above ASCII in a value", b"X-A: \xe4\r\n", ANSWERED),
    ("empty value", b"X-A:\r\n", ANSWERED),
    ("connection names the length", b"Connection: keep-alive, Content-Length\r\n", ANSWERED),
    ("connection names the credential", b"Connection: keep-alive, Authorization\r\n", ANSWERED),
    ("expectation", b"Expect: 100-continue\r\n", ANSWERED),
    ("expectation in capitals", b"EXPECT: 100-CONTINUE\r\n", ANSWERED),
    (
        "wish for HTTP/2",
        b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQ\r\n",
        ANSWERED,
    ),
    ("another path for a proxy", b"X-Original-URL: /admin/v1/status\r\nX-Rewrite-URL: /admin\r\n", ANSWERED),
    ("another method", b"X-HTTP-Method-Override: DELETE\r\n", ANSWERED),
)

_LINES: tuple[tuple[str, bytes, str], ...] = (
    ("HTTP/0.9", b"GET /healthz\r\n", REFUSED),
    ("word behind the version", b"POST " + PATH + b" HTTP/1.1 x\r\n", REFUSED),
    ("HTTP/2.0", b"POST " + PATH + b" HTTP/2.0\r\n", REFUSED),
    ("HTTP/1.2", b"POST " + PATH + b" HTTP/1.2\r\n", REFUSED),
    ("HTTP/11", b"POST " + PATH + b" HTTP/11\r\n", REFUSED),
    ("HTTP/1.10", b"POST " + PATH + b" HTTP/1.10\r\n", REFUSED),
    ("small letters", b"POST " + PATH + b" http/1.1\r\n", REFUSED),
    ("another protocol", b"POST " + PATH + b" ICE/1.0\r\n", REFUSED),
    ("tab between", b"POST\t" + PATH + b"\tHTTP/1.1\r\n", REFUSED),
    ("bare line feed", b"POST " + PATH + b" HTTP/1.1\n", REFUSED),
    ("bare carriage return", b"POST " + PATH + b" HTTP/1.1\r", REFUSED),
    ("blank in the target", b"POST " + PATH + b" x HTTP/1.1\r\n", REFUSED),
    ("control character in the target", b"POST " + PATH + b"\x01 HTTP/1.1\r\n", REFUSED),
    ("NUL in the target", b"POST " + PATH + b"\0 HTTP/1.1\r\n", REFUSED),
    ("carriage return in the target", b"POST " + PATH + b"\r HTTP/1.1\r\n", REFUSED),
    ("byte above ASCII in the target", b"POST " + PATH + b"\xe4 HTTP/1.1\r\n", REFUSED),
    ("target without a slash", b"POST v1/chat/completions HTTP/1.1\r\n", REFUSED),
    ("no target", b"POST  HTTP/1.1\r\n", REFUSED),
    ("method in small letters", b"post " + PATH + b" HTTP/1.1\r\n", REFUSED),
    ("method that is none", b"PWN " + PATH + b" HTTP/1.1\r\n", REFUSED),
    ("garbage in front", b"\x00\x01\x02POST " + PATH + b" HTTP/1.1\r\n", REFUSED),
    ("blank in front", b" POST " + PATH + b" HTTP/1.1\r\n", REFUSED),
    ("preface of HTTP/2", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", REFUSED),
    ("hello of TLS", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", REFUSED),
    ("line of a proxy protocol", b"PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\nPOST " + PATH + b" HTTP/1.1\r\n", REFUSED),
    ("authority", b"CONNECT example.com:443 HTTP/1.1\r\n", REFUSED),
    ("absolute address", b"POST http://evil.example" + PATH + b" HTTP/1.1\r\n", ANSWERED),
    ("absolute address with a user", b"POST http://a@evil.example" + PATH + b" HTTP/1.1\r\n", ANSWERED),
    ("empty lines in front", b"\r\n\r\nPOST " + PATH + b" HTTP/1.1\r\n", ANSWERED),
    ("query", b"POST " + PATH + b"?x=%0d%0ax HTTP/1.1\r\n", ANSWERED),
    ("escaped path", b"POST /v1/chat/%63ompletions HTTP/1.1\r\n", ANSWERED),
    ("HTTP/1.0", b"POST " + PATH + b" HTTP/1.0\r\n", LAST),
    ("double slash", b"POST /" + PATH + b" HTTP/1.1\r\n", DENIED),
    ("dots", b"POST /x/.." + PATH + b" HTTP/1.1\r\n", DENIED),
    ("escaped dots", b"POST /x/%2e%2e" + PATH + b" HTTP/1.1\r\n", DENIED),
    ("escaped twice", b"POST /v1/chat/%2563ompletions HTTP/1.1\r\n", DENIED),
    ("escaped NUL", b"POST " + PATH + b"%00 HTTP/1.1\r\n", DENIED),
    ("escaped line break", b"POST " + PATH + b"%0d%0aX:y HTTP/1.1\r\n", DENIED),
    ("backslash", b"POST \\v1\\chat\\completions HTTP/1.1\r\n", REFUSED),
)

_REST = _HEAD.partition(b"\r\n")[2] + _LENGTH + b"\r\n%O"

OTHERS: tuple[Row, ...] = (
    ("HTTP/1.0 with chunks", _HEAD.replace(b"/1.1", b"/1.0") + _TE + b"\r\n" + _CHUNKED + b"%I", REFUSED),
    (
        "HTTP/1.0 that stays, with chunks",
        _HEAD.replace(b"/1.1", b"/1.0") + b"Connection: keep-alive\r\n" + _TE + b"\r\n" + _CHUNKED + b"%I",
        REFUSED,
    ),
    ("HTTP/1.0 with an inner one behind", _HEAD.replace(b"/1.1", b"/1.0") + _LENGTH + b"\r\n%O%I", LAST),
    ("close with an inner one behind", _HEAD + b"Connection: close\r\n" + _LENGTH + b"\r\n%O%I", LAST),
    ("wish for a WebSocket", _HEAD + b"Connection: Upgrade\r\nUpgrade: websocket\r\n" + _LENGTH + b"\r\n%O", DENIED),
    ("no body where none is announced", _HEAD + b"\r\n", DENIED),
    ("another expectation", _HEAD + b"Expect: 200-ok\r\n" + _LENGTH + b"\r\n%O", ANSWERED),
    ("GET with a body", b"GET /healthz HTTP/1.1\r\nHost: x\r\n%AContent-Length: %L\r\n\r\n%I", DENIED),
    ("GET with chunks", b"GET /healthz HTTP/1.1\r\nHost: x\r\n%A" + _TE + b"\r\n%C", DENIED),
    ("HEAD with a body", b"HEAD /healthz HTTP/1.1\r\nHost: x\r\n%AContent-Length: %L\r\n\r\n%I", DENIED),
    ("OPTIONS for the whole server", b"OPTIONS * HTTP/1.1\r\nHost: x\r\n%AContent-Length: %L\r\n\r\n%I", DENIED),
    ("a wrong path with a body", b"POST /no HTTP/1.1\r\nHost: x\r\n%AContent-Length: %L\r\n\r\n%I", DENIED),
    ("no key, and a body", b"POST " + PATH + b" HTTP/1.1\r\nHost: x\r\nContent-Length: %L\r\n\r\n%I", DENIED),
    ("too many headers", _HEAD + b"X-A: b\r\n" * 129 + _LENGTH + b"\r\n%O%I", REFUSED),
    ("a header of 64 KiB", _HEAD + b"X-A: " + b"b" * 65_536 + b"\r\n" + _LENGTH + b"\r\n%O%I", REFUSED),
    ("a target of 64 KiB", b"POST /" + b"a" * 65_536 + b" HTTP/1.1\r\n" + _REST + b"%I", REFUSED),
)


def rows() -> list[Row]:
    """Return all rows."""
    found: list[Row] = []
    for name, coding, outcome in _CODINGS:
        # read by its length, the inner request is body; read by its chunks, it is the next request
        for first, second, order in (
            (coding, b"Content-Length: %M\r\n", "TE, CL"),
            (b"Content-Length: %M\r\n", coding, "CL, TE"),
        ):
            found.append((f"chunked {name}: {order}", _HEAD + first + second + b"\r\n0\r\n\r\n%I", outcome))
        # read by its chunks, the inner request is body; read by a length of nothing, it is the next request
        shorter = _HEAD + b"Content-Length: 4\r\n" + coding + b"\r\n%C"
        found.append((f"chunked {name}: short CL", shorter, REFUSED))
    found += [
        (f"length {name}", _HEAD + length + b"\r\n%O%I" if outcome == REFUSED else _HEAD + length + b"\r\n%O", outcome)
        for name, length, outcome in _LENGTHS
    ]
    found += [
        (f"chunk {name}", _HEAD + _TE + b"\r\n" + chunks + (b"%I" if outcome == REFUSED else b""), outcome)
        for name, chunks, outcome in _CHUNKS
    ]
    found += [
        (f"header {name}", _HEAD + header + _LENGTH + b"\r\n%O" + (b"%I" if outcome == REFUSED else b""), outcome)
        for name, header, outcome in _HEADERS
    ]
    found += [
        (f"line {name}", line + _REST + (b"%I" if outcome == REFUSED else b""), outcome)
        for name, line, outcome in _LINES
    ]
    return [*found, *OTHERS]


def fill(data: bytes, auth: bytes) -> bytes:
    """Return what is sent for a row."""
    inner = b"POST %b HTTP/1.1\r\nHost: x\r\n%bContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (
        *(PATH, auth, len(INNER_BODY), INNER_BODY),
    )
    for mark, text in (
        (b"%C", b"%x\r\n%b\r\n0\r\n\r\n" % (len(inner), inner)),
        (b"%I", inner),
        (b"%L", b"%d" % len(inner)),
        (b"%M", b"%d" % (len(inner) + 5)),
        (b"%N", b"%d" % len(OUTER)),
        (b"%O", OUTER),
        (b"%A", auth),
    ):
        data = data.replace(mark, text)
    return data
