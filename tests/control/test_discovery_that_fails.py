"""Every way in which a host cannot be asked says what to do, and nothing of the credential."""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
import trustme
from control_ground import Control, running_control
from fake_clouds import CLIENT_SECRET, SECRET, Cloud, aws_document, behind, opened, running_cloud

LOOPBACK = ("127.0.0.0/8",)
AZURE = {"resource": "ours", "subscription": "sub-1", "resource_group": "group-1"}
BEDROCK = {"credential": "env:AWS_KEYS", "auth": "sigv4", "variables": {"region": "eu-central-1"}}
ENTRA = {"auth": "entra", "credential": "env:AZURE_IDENTITY", "variables": AZURE}


@asynccontextmanager
async def asking(tmp_path: Path, host: str = "mistral") -> AsyncIterator[tuple[Cloud, Control]]:
    async with running_cloud() as cloud:
        starts = {"mistral": "https://api.mistral.ai", "azure": "https://{resource}.openai.azure.com"}
        catalog = cloud.moved(host, starts[host]) if host in starts else None
        cloud.answers["/tenant-1/oauth2/v2.0/token"] = cloud.entra_token
        environment = {
            "MISTRAL_API_KEY": "sk-hunter2",
            "AWS_KEYS": aws_document(),
            "AZURE_IDENTITY": cloud.entra_document(),
            "AZURE_OPENAI_API_KEY": "sk-hunter2",
        }
        async with running_control(tmp_path, environment=environment, catalog=catalog, networks=LOOPBACK) as control:
            yield cloud, control


async def fail(control: Control, host: str, **wanted: Any) -> tuple[int, dict[str, Any]]:
    status, error = await control.fail("POST", f"/hosts/{host}/discover", wanted)
    text = msgspec.json.encode(error).decode()
    assert not any(secret in text for secret in ("hunter2", SECRET, CLIENT_SECRET)), text
    return status, error


@pytest.mark.parametrize(
    ("answer", "said", "advice"),
    [
        ((401, {"message": "Unauthorized"}), "answered 401", "does not take the credential env:MISTRAL_API_KEY"),
        ((403, {"error": {"type": "forbidden"}}), "answered 403 (forbidden)", "may not do this"),
        ((404, {"detail": "Not Found"}), "answered 404", "Nothing is there"),
        ((429, {}), "answered 429", "Try again later"),
        ((500, b"oops"), "answered 500", "Try again later"),
        ((418, {}), "answered 418", "Look at https://docs.mistral.ai"),
        ((200, b"<html>"), "not of the shape", "address of the API itself"),
        ((200, {"models": "none"}), "not of the shape", "address of the API itself"),
        ((200, b'{"data":' + b"[" * 100_000), "not of the shape", "address of the API itself"),
        ((200, b'{"data":[{"id":"\\ud800"}]}'), "not of the shape", "address of the API itself"),
        ((200, b'{"data":[{"id":"a","created":1e999}]}'), "not of the shape", "address of the API itself"),
        ((200, {"data": [{"id": "m"}] * 20_001}), "more than 20000 models", "Name the models"),
        ((200, b'{"data":[]' + b" " * 2**22 + b"}"), "longer than", ""),
        ((302, {}), "answered 302", "Look at https://docs.mistral.ai"),
    ],
)
async def test_an_answer_that_is_no_list_says_what_to_do(tmp_path: Path, answer: Any, said: str, advice: str) -> None:
    async with asking(tmp_path) as (cloud, control):
        cloud.answers["/v1/models"] = answer
        status, error = await fail(control, "mistral")
        assert (status, error["code"]) == (502, "host_failed")
        assert said in error["message"]
        assert advice in error["hint"]


@pytest.mark.parametrize("there", ["http://169.254.169.254/latest/meta-data", "{url}/secret", "//127.0.0.1/secret"])
async def test_a_host_that_sends_elsewhere_is_not_followed(tmp_path: Path, there: str) -> None:
    async with asking(tmp_path) as (cloud, control):
        cloud.headers["location"] = there.format(url=cloud.url)
        cloud.answers["/v1/models"] = 307, {}
        cloud.answers["/secret"] = 200, {"data": [{"id": "mistral-large-2512"}]}
        _, error = await fail(control, "mistral")
        assert "answered 307" in error["message"]
        assert cloud.paths == ["/v1/models"]


@pytest.mark.parametrize("link", ["http://[", "http://[::1", "//", "http://127.0.0.1:1/?$skiptoken=x", "\x1b[31m"])
async def test_a_further_page_leads_nowhere_else(tmp_path: Path, link: str) -> None:
    async with asking(tmp_path, "azure") as (cloud, control):
        cloud.answers["/subscriptions/"] = 200, {"value": [], "nextLink": link}
        wanted = {"list_url": cloud.url, **ENTRA}
        answer = await control.send("POST", "/admin/v1/hosts/azure/discover", wanted)
        assert answer.status in {200, 502}
        assert len(cloud.seen) <= 1 + 1 + 40 * 3  # the token, and a bounded number of pages of each list


async def test_a_host_that_is_not_there_names_network_and_address(tmp_path: Path) -> None:
    async with asking(tmp_path) as (cloud, control):
        free = {"base_url": "http://127.0.0.1:1/v1", "private_address": True, "credential": "env:MISTRAL_API_KEY"}
        _, error = await fail(control, "openai-compatible", **free)
        assert "cannot be reached" in error["message"]
        assert "Check the address" in error["hint"]
        assert cloud.seen == []


async def test_a_private_address_that_nobody_opened_is_not_called(tmp_path: Path) -> None:
    async with running_cloud() as cloud, running_control(tmp_path) as control:
        _, error = await fail(control, "openai-compatible", base_url=f"{cloud.url}/v1")
        assert "private_address" in error["hint"]
        assert cloud.seen == []


async def test_a_certificate_that_is_not_trusted_names_the_setting_for_it(tmp_path: Path) -> None:
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    server = await asyncio.start_server(lambda _reader, writer: writer.close(), "127.0.0.1", 0, ssl=context)
    port = server.sockets[0].getsockname()[1]
    async with running_control(tmp_path) as control:
        wanted = {"base_url": f"https://127.0.0.1:{port}/v1", "private_address": True}
        _, error = await fail(control, "openai-compatible", **wanted)
    server.close()
    assert "certificate is not trusted" in error["message"]
    assert "ca_bundle" in error["hint"]


async def test_a_clock_that_is_off_is_said_before_the_key_is_blamed(tmp_path: Path) -> None:
    async with asking(tmp_path, "bedrock") as (cloud, control):
        cloud.headers["date"] = behind(3600, now_s=time.time())
        cloud.answers["/"] = 403, {"message": "Signature expired"}
        _, error = await fail(control, "bedrock", list_url=cloud.url, **BEDROCK)
        assert "clock is 36" in error["hint"] or "clock is 35" in error["hint"]
        assert "ahead of the host's" in error["hint"]


@pytest.mark.parametrize(
    ("word", "advice"),
    [
        ("AccessDeniedException", "`bedrock:ListFoundationModels`"),
        ("UnrecognizedClientException", "does not take the credential env:AWS_KEYS"),
        ("InvalidSignatureException", "is the secret whole"),
        ("ExpiredTokenException", "in force"),
    ],
)
async def test_aws_s_refusals_name_permission_key_or_signature(tmp_path: Path, word: str, advice: str) -> None:
    async with asking(tmp_path, "bedrock") as (cloud, control):
        cloud.headers["x-amzn-errortype"] = f"{word}:http://internal.amazon.com/coral/"
        cloud.answers["/foundation-models"] = 403, {"message": "no"}
        _, error = await fail(control, "bedrock", list_url=cloud.url, **BEDROCK)
        assert f"({word})" in error["message"]
        assert advice in error["hint"]


async def test_azure_s_management_names_the_permission_that_is_missing(tmp_path: Path) -> None:
    async with asking(tmp_path, "azure") as (cloud, control):
        cloud.answers["/subscriptions/"] = 403, {"error": {"code": "AuthorizationFailed", "message": "no"}}
        _, error = await fail(control, "azure", list_url=cloud.url, **ENTRA)
        assert "AuthorizationFailed" in error["message"]
        assert "`Microsoft.CognitiveServices/accounts/read`" in error["hint"]


async def test_a_wrong_subscription_group_or_resource_is_asked_about(tmp_path: Path) -> None:
    async with asking(tmp_path, "azure") as (cloud, control):
        cloud.answers["/subscriptions/"] = 404, {"error": {"code": "ResourceNotFound", "message": "no"}}
        _, error = await fail(control, "azure", list_url=cloud.url, **ENTRA)
        assert all(f"`{part}`" in error["hint"] for part in ("subscription", "resource_group", "resource"))


async def test_an_application_that_entra_refuses_is_said_with_its_word(tmp_path: Path) -> None:
    async with asking(tmp_path, "azure") as (cloud, control):
        cloud.answers = {"/tenant-1/oauth2/v2.0/token": (401, {"error": "invalid_client"})}
        _, error = await fail(control, "azure", list_url=cloud.url, **ENTRA)
        assert "invalid_client" in error["message"]
        assert "tenant, client and proof" in error["hint"]
        assert "clock" in error["hint"]


async def test_a_right_to_list_without_a_right_to_ask_is_found_out(tmp_path: Path) -> None:
    async with asking(tmp_path, "azure") as (cloud, control):
        said = {"model": {"format": "OpenAI", "name": "gpt-4o"}, "provisioningState": "Succeeded"}
        listed = {"value": [{"name": "gpt-4o", "sku": {"name": "Standard"}, "properties": said}]}
        cloud.answers["/subscriptions/"] = lambda asked: (
            200,
            listed if "/deployments" in asked.path else {"location": "westeurope"},
        )
        cloud.answers["/openai/v1/chat/completions"] = lambda asked: (401 if not opened(asked) else 403, {})
        _, error = await fail(control, "azure", list_url=cloud.url, **ENTRA)
        assert "deployments/chat/completions/action" in error["hint"]


async def test_a_resource_that_answers_at_another_name_is_found_out(tmp_path: Path) -> None:
    async with asking(tmp_path, "azure") as (cloud, control):
        said = {"model": {"format": "OpenAI", "name": "gpt-4o"}, "provisioningState": "Succeeded"}
        listed = {"value": [{"name": "gpt-4o", "sku": {"name": "Standard"}, "properties": said}]}
        cloud.answers["/subscriptions/"] = lambda asked: (
            200,
            listed if "/deployments" in asked.path else {"location": "westeurope"},
        )
        cloud.answers["/openai/v1/chat/completions"] = 404, {"error": {"code": "DeploymentNotFound"}}
        _, error = await fail(control, "azure", list_url=cloud.url, **ENTRA)
        assert "lists `gpt-4o`" in error["message"]
        assert "--base-url" in error["hint"]


async def test_a_key_alone_is_told_how_deployments_are_named(tmp_path: Path) -> None:
    async with asking(tmp_path, "azure") as (cloud, control):
        status, error = await fail(control, "azure", variables={"resource": "ours"})
        assert (status, error["path"]) == (400, "variables")
        assert "--deployment NAME=SKU" in error["hint"]
        assert cloud.seen == []


@pytest.mark.parametrize(
    ("host", "wanted", "path"),
    [
        ("bedrock", {"credential": "env:AWS_KEYS", "auth": "sigv4"}, "variables"),
        ("mistral", {"credential": "env:NOWHERE"}, "credential"),
        ("mistral", {"credential": "sk-hunter2"}, "credential"),
        ("mistral", {"credential": "file:/etc/passwd"}, "credential"),
        ("bedrock", {**BEDROCK, "variables": {"region": "evil.example/#"}}, "variables.region"),
        ("azure", {**ENTRA, "variables": {**AZURE, "subscription": "a/../b"}}, "variables.subscription"),
        ("azure", {**ENTRA, "list_url": "ftp://x"}, "list_url"),
        ("nowhere", {}, "host"),
        ("bedrock", {"credential": "env:MISTRAL_API_KEY", "auth": "sigv4", "variables": {"region": "x"}}, "credential"),
    ],
)
async def test_what_cannot_be_is_refused_before_anything_is_sent(
    tmp_path: Path, host: str, wanted: dict[str, Any], path: str
) -> None:
    async with asking(tmp_path) as (cloud, control):
        _, error = await fail(control, host, **wanted)
        assert error["path"] == path, error
        assert error["hint"]
        assert cloud.seen == []
