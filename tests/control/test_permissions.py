from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from control_ground import TOKEN, running_control

from hortus.control.app import NOUNS
from hortus.control.operations import OPERATIONS, PREFIX


async def test_every_operation_refuses_without_a_token_before_it_reads_the_body(tmp_path: Path) -> None:
    async with running_control(tmp_path) as control:
        before = control.snapshot().version
        for operation in OPERATIONS:
            path = PREFIX + operation.path.replace("{", "").replace("}", "")
            answer = await control.send(operation.method, path, b"{not json", token=None)
            assert answer.status == 401, operation.name
            fault = msgspec.json.decode(answer.body)["error"]
            assert fault["code"] == "unauthenticated"
            assert fault["hint"]
            assert answer.headers["www-authenticate"] == "Bearer"
        assert control.snapshot().version == before


async def test_a_token_that_is_nearly_right_is_refused(tmp_path: Path) -> None:
    async with running_control(tmp_path) as control:
        for token in ("", "wrong", TOKEN[:-1], TOKEN + "x", TOKEN.upper(), f"{TOKEN} {TOKEN}"):
            assert (await control.send("GET", "/admin/v1/status", token=token)).status == 401


async def test_a_token_with_another_scheme_is_refused(tmp_path: Path) -> None:
    async with running_control(tmp_path) as control:
        answer = await control.send("GET", "/admin/v1/status", token=None, headers={"authorization": f"Basic {TOKEN}"})
        assert answer.status == 401


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics"])
async def test_probes_need_no_token(tmp_path: Path, path: str) -> None:
    async with running_control(tmp_path) as control:
        answer = await control.send("GET", path, token=None)
        assert answer.status == 200


async def test_admin_answers_are_never_stored_by_caches(tmp_path: Path) -> None:
    async with running_control(tmp_path) as control:
        answer = await control.send("POST", "/admin/v1/keys", {"project": "default"})
        assert answer.headers["cache-control"] == "no-store"


def test_the_table_has_one_row_for_each_name_and_for_each_call() -> None:
    assert len({operation.name for operation in OPERATIONS}) == len(OPERATIONS)
    assert len({(operation.method, operation.path) for operation in OPERATIONS}) == len(OPERATIONS)


def test_operations_that_change_something_are_never_a_get() -> None:
    assert all(operation.permission == "look" for operation in OPERATIONS if operation.method == "GET")
    assert {one.permission for one in OPERATIONS if one.method in {"PUT", "DELETE"}} == {"change"}


def test_every_operation_says_in_one_sentence_what_it_does() -> None:
    for operation in OPERATIONS:
        assert operation.summary.endswith((".", ";"))
        assert len(operation.summary) > 15
        assert operation.name.partition(".")[0] in NOUNS


async def test_the_document_lists_every_operation_with_its_words(tmp_path: Path) -> None:
    async with running_control(tmp_path) as control:
        answer = await control.send("GET", "/admin/v1/openapi.json")
    document = msgspec.json.decode(answer.body)
    listed = {
        (method.upper(), path): call for path, calls in document["paths"].items() for method, call in calls.items()
    }
    assert {(one.method, PREFIX + one.path) for one in OPERATIONS} == set(listed)
    for operation in OPERATIONS:
        call = listed[operation.method, PREFIX + operation.path]
        assert call["operationId"] == operation.name
        assert call["summary"] == operation.summary
        assert call["security"] == [{"admin token": []}]
        assert all(parameter.get("description") for parameter in call.get("parameters", []))
    assert document["openapi"].startswith("3.1")
    assert document["components"]["securitySchemes"]["admin token"]["scheme"] == "bearer"


async def test_every_reference_in_the_document_leads_somewhere(tmp_path: Path) -> None:
    async with running_control(tmp_path) as control:
        answer = await control.send("GET", "/admin/v1/openapi.json")
    document = msgspec.json.decode(answer.body)
    references = _references(document)
    assert references
    for reference in references:
        place = document
        for part in reference.removeprefix("#/").split("/"):
            place = place[part]


def _references(node: object) -> set[str]:
    if isinstance(node, dict):
        own = {node["$ref"]} if isinstance(node.get("$ref"), str) else set()
        return own.union(*(_references(value) for value in node.values()))
    if isinstance(node, list):
        return set().union(*(_references(value) for value in node))
    return set()
