"""Tries whether an account may use one model, without cost: tokens are counted, or a chat without messages is sent."""

from __future__ import annotations

from typing import Final
from urllib.parse import quote

import msgspec

from hortus.catalog.rows import Surface
from hortus.control.plane import Plane
from hortus.control.surveying import TIMEOUTS, Account, Answered, ask, refused
from hortus.gateway.ports import HostRequest
from hortus.snapshot.declared import EndpointSpec
from hortus.snapshot.surfaces import own_address

_OK, _NOT_FOUND, _BAD_REQUEST, _UNPROCESSABLE = 200, 404, 400, 422
_OTHER_OPERATION: Final = frozenset({"OperationNotSupported", "operation_not_supported"})
"""What Azure answers to a chat with a deployment that is none for chats (recorded by its users, read 2026-11)."""

_COUNTS: Final[dict[str, dict[str, object]]] = {
    "gemini": {"contents": [{"role": "user", "parts": [{"text": "a"}]}]},
    "anthropic_messages": {"messages": [{"role": "user", "content": "a"}]},
}
"""Dialect -> the shortest text whose tokens are counted."""


class Tried(msgspec.Struct, frozen=True):
    """What came of it.

    Attributes:
        operations: What it can be asked to do, as far as the answer says it.
        why_not: Why the account cannot use it; None where it can.
    """

    operations: tuple[str, ...] = ()
    why_not: str | None = None


async def probe(plane: Plane, account: Account, spec: EndpointSpec, *, surfaces: tuple[Surface, ...]) -> Tried:
    """Try one model.

    Raises:
        HostFailed: The host cannot be asked, or does not take the credential.
    """
    if account.host.probe == "count_tokens":
        return await _count(plane, account, spec, surfaces=surfaces)
    if account.host.probe == "empty_chat":
        return await _chat_empty(plane, account, spec, surfaces=surfaces)
    return Tried()


async def _count(plane: Plane, account: Account, spec: EndpointSpec, *, surfaces: tuple[Surface, ...]) -> Tried:
    surface = _counting(plane, spec, surfaces)
    if surface is None:
        return Tried()
    body = {**_COUNTS[surface.dialect], **surface.demands}
    if "{model}" not in surface.paths["count_tokens"]:
        body["model"] = spec.upstream_model
    answer = await _post(plane, account, surface, spec=spec, path=surface.paths["count_tokens"], body=body)
    if answer.status == _OK:
        return Tried()
    if answer.status == _NOT_FOUND:
        return Tried(why_not=f"{account.host.name} does not serve it to this project in this place")
    if answer.status == _BAD_REQUEST:
        return Tried(why_not="the host does not count its tokens, so that nobody knows whether it would answer")
    raise refused(plane, account, answer, permission="aiplatform.endpoints.predict", url=surface.base_url or "")


def _counting(plane: Plane, spec: EndpointSpec, surfaces: tuple[Surface, ...]) -> Surface | None:
    """Return the surface by which tokens of the model's maker are counted."""
    model = plane.catalog.models.get(spec.model)
    able = (one for one in surfaces if "count_tokens" in one.paths and one.dialect in _COUNTS)
    return next((one for one in able if not one.makers or (model is not None and model.maker in one.makers)), None)


async def _chat_empty(plane: Plane, account: Account, spec: EndpointSpec, *, surfaces: tuple[Surface, ...]) -> Tried:
    surface = next((one for one in surfaces if one.dialect == "openai_chat"), None)
    if surface is None:
        return Tried()
    path = surface.paths.get("chat", "/chat/completions")
    body: dict[str, object] = {"model": spec.upstream_model, "messages": []}
    answer = await _post(plane, account, surface, spec=spec, path=path, body=body)
    if answer.status == _NOT_FOUND and answer.word != "DeploymentNotFound":
        raise refused(plane, account, answer, permission="", url=surface.base_url or "")
    if answer.status == _NOT_FOUND:
        return Tried(why_not="the resource has no deployment of that name")
    if answer.word in _OTHER_OPERATION:
        return Tried(operations=("embeddings",))
    if answer.status in {_OK, _BAD_REQUEST, _UNPROCESSABLE}:
        return Tried(operations=("chat",))
    permission = "Microsoft.CognitiveServices/accounts/OpenAI/deployments/chat/completions/action"
    raise refused(plane, account, answer, permission=permission, url=surface.base_url or "")


async def _post(
    plane: Plane, account: Account, surface: Surface, *, spec: EndpointSpec, path: str, body: dict[str, object]
) -> Answered:
    base = spec.base_url if isinstance(spec.base_url, str) else own_address(surface, spec) or ""
    url = base.rstrip("/") + path.replace("{model}", quote(spec.upstream_model or spec.model, safe=""))
    fixed = tuple((name.encode("ascii"), value.encode("latin-1")) for name, value in surface.headers.items())
    headers = ((b"accept", b"application/json"), (b"content-type", b"application/json"), *fixed)
    request = HostRequest(
        "POST", url, headers, msgspec.json.encode(body), TIMEOUTS, may_be_private=account.may_be_private
    )
    opened = msgspec.structs.replace(account, auth=surface.auth)
    return await ask(plane, opened, request)
