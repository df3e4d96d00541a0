"""Whom the client trusts, and through whom it goes."""

from __future__ import annotations

import asyncio
import base64
import ssl
from contextlib import suppress
from pathlib import Path

import pytest
import trustme
from scripted_hosts import HELLO, TICK_S, Script, Visit, answering, asking, client, fetch, once, scripted

from hortus.base.errors import ConfigurationError
from hortus.canon.errors import HostUnavailable
from hortus.transport.proxies import Proxy, choose_proxy, read_exemptions, read_proxy, read_rules
from hortus.transport.settings import TransportSettings
from hortus.transport.target import read_target


def certified(authority: trustme.CA, *names: str) -> ssl.SSLContext:
    """Return a server's context with a certificate for these names."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_alpn_protocols(["h2", "http/1.1"])
    authority.issue_cert(*names).configure_cert(context)
    return context


def trusting(bundle: Path | None, **more: str) -> TransportSettings:
    return TransportSettings(tick_s=TICK_S, ca_bundle=str(bundle) if bundle else None, **more)


async def test_speaks_tls_with_a_ca_of_its_own_and_http_1_1_by_alpn(authority: trustme.CA, bundle: Path) -> None:
    context = certified(authority, "127.0.0.1")
    async with scripted(answering(HELLO), context=context) as host, client(trusting(bundle)) as hosts:
        for _ in range(3):
            assert await fetch(hosts, host.url, "POST", body=bytes(300_000)) == b"hello"
        ssl_object = host.visits[0].writer.get_extra_info("ssl_object")
        assert ssl_object.selected_alpn_protocol() == "http/1.1"
        assert host.connections == 1


async def test_checks_the_name_that_the_address_gives(authority: trustme.CA, bundle: Path) -> None:
    context = certified(authority, "other.example")
    async with scripted(answering(HELLO), context=context) as host, client(trusting(bundle)) as hosts:
        with pytest.raises(HostUnavailable, match="certificate is not trusted") as caught:
            await fetch(hosts, host.url)
        assert not caught.value.retry_helps
        assert "correct the address" in str(caught.value)
        assert hosts.open_connections == 0
    assert host.requests == []


async def test_refuses_a_ca_that_nobody_named(bundle: Path) -> None:
    context = certified(trustme.CA(), "127.0.0.1")
    async with scripted(answering(HELLO), context=context) as host:
        for settings in (trusting(bundle), trusting(None)):
            async with client(settings) as hosts:
                with pytest.raises(HostUnavailable, match="certificate is not trusted") as caught:
                    await fetch(hosts, host.url)
                assert "ca_bundle" in str(caught.value)
    assert host.requests == []


async def test_says_that_a_port_does_not_speak_tls() -> None:
    async def script(visit: Visit) -> None:
        await visit.reader.read(1)
        await visit.send(HELLO)

    async with scripted(script) as host, client() as hosts:
        with pytest.raises(HostUnavailable, match=f"https://127.0.0.1:{host.port}"):
            await fetch(hosts, host.url.replace("http:", "https:"))


async def test_a_body_over_tls_is_slowed_and_cut_like_any_other(authority: trustme.CA, bundle: Path) -> None:
    size = 3_000_000

    async def script(visit: Visit) -> None:
        while await visit.request() is not None:
            await visit.send(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % size)
            await visit.send(bytes(size))

    settings = TransportSettings(tick_s=TICK_S, ca_bundle=str(bundle), buffer_bytes=10_000)
    async with scripted(script, context=certified(authority, "127.0.0.1")) as host, client(settings) as hosts:
        assert len(b"".join([part async for part in (await hosts.send(asking(host.url))).body()])) == size
        answer = await hosts.send(asking(host.url))
        answer.close()
        assert (hosts.idle_connections, host.connections) == (0, 1)


@pytest.mark.parametrize("content", [None, "no certificate"])
def test_an_unreadable_ca_bundle_is_a_configuration_error(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "ca.pem"
    if content is not None:
        path.write_text(content, "utf-8")

    async def make() -> None:
        async with client(trusting(path)):
            pass

    with pytest.raises(ConfigurationError, match="CA bundle cannot be read") as caught:
        asyncio.run(make())
    assert "ca.pem" in str(caught.value)


def tunnelling(port: int, *, authorization: str | None = None) -> Script:
    """Return the script of a proxy that leads every tunnel to one port of loopback."""

    async def script(visit: Visit) -> None:
        head = await visit.request()
        assert head is not None
        if authorization is not None and f"proxy-authorization: {authorization}\r\n".encode() not in head:
            await visit.send(b"HTTP/1.1 407 Who are you\r\ncontent-length: 0\r\n\r\n")
            return
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            await visit.send(b"HTTP/1.1 200 Connection established\r\nvia: me\r\n\r\n")
            await asyncio.gather(pump(visit.reader, writer), pump(reader, visit.writer))
        finally:
            writer.close()

    return script


async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    writer.close()


BASIC = "Basic " + base64.b64encode(b"hortus:p@ss").decode()


@pytest.mark.parametrize("outer", ["http", "https"])
async def test_goes_through_a_tunnel_with_tls_to_the_host_itself(
    authority: trustme.CA, bundle: Path, outer: str
) -> None:
    inside = certified(authority, "api.test")
    outside = certified(authority, "127.0.0.1") if outer == "https" else None
    async with (
        scripted(answering(HELLO), context=inside) as host,
        scripted(tunnelling(host.port, authorization=BASIC), context=outside) as proxy,
        client(trusting(bundle, https_proxy=f"{outer}://hortus:p%40ss@127.0.0.1:{proxy.port}")) as hosts,
    ):
        for _ in range(3):
            assert await fetch(hosts, "https://api.test/v1/x") == b"hello"
        assert (proxy.connections, host.connections) == (1, 1)
        assert proxy.requests[0].startswith(b"CONNECT api.test:443 HTTP/1.1\r\nhost: api.test:443\r\n")
        assert b"proxy-authorization" not in b"".join(host.requests)
        assert host.requests[0].startswith(b"GET /v1/x HTTP/1.1\r\nhost: api.test\r\n")


async def test_the_tunnel_does_not_weaken_the_check_of_the_name(authority: trustme.CA, bundle: Path) -> None:
    async with (
        scripted(answering(HELLO), context=certified(authority, "other.test")) as host,
        scripted(tunnelling(host.port)) as proxy,
        client(trusting(bundle, https_proxy=f"127.0.0.1:{proxy.port}")) as hosts,
    ):
        with pytest.raises(HostUnavailable, match="certificate is not trusted"):
            await fetch(hosts, "https://api.test/")
        assert hosts.open_connections == 0


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (b"HTTP/1.1 407 Who\r\n\r\n", "user name or password"),
        (b"HTTP/1.1 403 No\r\n\r\n", "status 403"),
        (b"HTTP/1.1 200 OK\r\n\r\nspoken unasked", "did not answer in HTTP"),
        (b"SSH-2.0\r\n\r\n", "did not answer in HTTP"),
        (b"HTTP/1.1 200 OK\r\n" + b"x: y\r\n" * 5000, "did not answer in HTTP"),
        (b"", "closed the connection"),
    ],
)
async def test_says_what_a_proxy_refused(bundle: Path, answer: bytes, words: str) -> None:
    async with (
        scripted(once(answer)) as proxy,
        client(trusting(bundle, https_proxy=f"http://u:secret@127.0.0.1:{proxy.port}")) as hosts,
    ):
        with pytest.raises(HostUnavailable, match=words) as caught:
            await fetch(hosts, "https://api.test/")
        assert "secret" not in str(caught.value)
        assert "https_proxy" in str(caught.value)


async def test_plain_http_goes_to_the_proxy_with_the_whole_address() -> None:
    async with (
        scripted(answering(HELLO)) as proxy,
        client(TransportSettings(http_proxy=f"http://hortus:p%40ss@127.0.0.1:{proxy.port}")) as hosts,
    ):
        assert await fetch(hosts, "http://api.test:81/v1?q=1") == b"hello"
    head = proxy.requests[0]
    assert head.startswith(b"GET http://api.test:81/v1?q=1 HTTP/1.1\r\nhost: api.test:81\r\n")
    assert f"proxy-authorization: {BASIC}\r\n".encode() in head


async def test_loopback_never_goes_through_a_proxy() -> None:
    async with (
        scripted(answering(HELLO)) as host,
        scripted(answering(b"")) as proxy,
        client(TransportSettings(http_proxy=f"http://127.0.0.1:{proxy.port}")) as hosts,
    ):
        assert await fetch(hosts, host.url) == b"hello"
        assert await fetch(hosts, host.url.replace("127.0.0.1", "localhost")) == b"hello"
    assert proxy.connections == 0


DIRECT = [
    ("https://api.test/", "*"),
    ("https://api.test/", "api.test"),
    ("https://API.test./", "api.test"),
    ("https://a.api.test/", "api.test"),
    ("https://a.api.test/", ".api.test"),
    ("https://a.api.test/", "x, *.api.test"),
    ("https://api.test:8443/", "api.test:8443"),
    ("https://10.1.2.3/", "10.0.0.0/8"),
    ("https://10.1.2.3/", "10.1.2.3"),
    ("https://10.1.2.3:81/", "10.1.2.3:81"),
    ("https://[fd00::5]/", "fd00::/8"),
    ("https://[fd00::5]:81/", "[fd00::5]:81"),
    ("https://[::ffff:10.1.2.3]/", "10.0.0.0/8"),
    ("https://localhost/", ""),
    ("https://x.localhost/", ""),
    ("https://127.9.9.9/", ""),
    ("https://[::1]/", ""),
]
PROXIED = [
    ("https://api.test/", ""),
    ("https://api.test/", "pi.test"),
    ("https://api.test/", "api.test.example"),
    ("https://api.test/", "api.test:8443"),
    ("https://api.test/", ". , ,*."),
    ("https://11.1.2.3/", "10.0.0.0/8"),
    ("https://10.1.2.3/", "10.1.2.3:81"),
    ("https://[fe00::5]/", "fd00::/8"),
    ("https://localhost.test/", ""),
]


@pytest.mark.parametrize(
    ("url", "no_proxy", "is_direct"),
    [(*case, True) for case in DIRECT] + [(*case, False) for case in PROXIED],
)
def test_no_proxy_exempts_what_it_names(url: str, no_proxy: str, *, is_direct: bool) -> None:
    rules = read_rules(TransportSettings(https_proxy="http://proxy.test:3128", no_proxy=no_proxy))
    assert (choose_proxy(read_target(url), rules) is None) == is_direct


@pytest.mark.parametrize(
    "host", ["169.254.169.254", "169.254.170.2", "[fd00:ec2::23]", "[::ffff:169.254.169.254]", "127.0.0.1"]
)
def test_an_address_of_this_machine_s_own_is_never_asked_for_at_a_proxy(host: str) -> None:
    rules = read_rules(TransportSettings(http_proxy="http://proxy.test:3128"))
    assert choose_proxy(read_target(f"http://{host}/latest"), rules) is None
    assert choose_proxy(read_target("http://10.0.0.1/"), rules) is not None


def test_each_scheme_has_its_own_proxy() -> None:
    rules = read_rules(TransportSettings(https_proxy="https://secure.test"))
    assert choose_proxy(read_target("http://api.test/"), rules) is None
    assert choose_proxy(read_target("https://api.test/"), rules) == Proxy(scheme="https", host="secure.test", port=443)


@pytest.mark.parametrize("url", ["socks5://u:secret@proxy.test", "http://", "http://u:secret@proxy:port"])
def test_a_proxy_that_is_none_is_a_configuration_error_without_its_password(url: str) -> None:
    with pytest.raises(ConfigurationError, match="proxy's address") as caught:
        read_proxy(url, "https_proxy")
    assert "secret" not in str(caught.value)
    assert caught.value.path == "https_proxy"


def test_settings_do_not_show_the_password_of_a_proxy() -> None:
    assert "secret" not in repr(TransportSettings(https_proxy="http://u:secret@proxy.test"))


def test_no_proxy_reads_an_ipv6_address_without_brackets_as_one() -> None:
    assert read_exemptions("::1").networks[0][1] is None
