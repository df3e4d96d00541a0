"""The admin API as an ASGI application, made from the table of operations; nothing here knows a single one of them."""

from __future__ import annotations

import asyncio
import inspect
import logging
import re
from collections.abc import Callable
from typing import Annotated, Any

from fastapi import Body, FastAPI, Path, Query, Request, Security
from fastapi.responses import JSONResponse, PlainTextResponse, Response
from fastapi.security import HTTPBearer
from pydantic import create_model

from hortus.access.acts import acting
from hortus.control import views
from hortus.control.bringing import FILE_BODY, file_brought
from hortus.control.door import AdminDoor
from hortus.control.faults import answer_faults
from hortus.control.metrics import render_metrics
from hortus.control.models import Ask
from hortus.control.operation import Brought, Operation
from hortus.control.operations import OPERATIONS, PREFIX
from hortus.control.plane import Plane

_log = logging.getLogger("hortus.control")

OPENAPI_PATH = f"{PREFIX}/openapi.json"

DESCRIPTION = """\
Everything that an admin can do with one Hortus installation. The command line uses nothing else.

Send the admin token as `Authorization: Bearer …`; the Unix socket `run/control.sock` of the installation needs none,
for the file system lets only its owner open it. Members that are not described here are refused. Instants are
milliseconds since 1970 (UTC), amounts of money decimal strings. Every error has the form
`{"error": {"code", "message", "path", "hint"}}`: what happened, where, and what to do next.

Objects declared in `hortus.toml` belong to that file: changing one here is a 409 that names file and line.
"""

NOUNS = {
    "status": "How this installation is doing.",
    "doctor": "What is wrong here, and what mends it.",
    "organisation": "The owner of this installation.",
    "projects": "Tenants: own keys and say which routes they may use.",
    "keys": "What programs authenticate with; shown once, stored as a keyed digest.",
    "endpoints": "One model at one host in one region.",
    "routes": "Names that clients put in `model`.",
    "deployments": "Models kept running here; each is also an endpoint and a route.",
    "limits": "Bounds on requests, tokens and money; those of money are budgets.",
    "rates": "Currency rates of the organisation's own, before those of the catalog.",
    "policies": "What may go where: rules, verdicts with their reasons, rehearsals.",
    "hosts": "Who runs inference (often called providers), and connecting them.",
    "catalog": "Makers, models, hosts and prices, as data.",
    "prices": "What receipts would cost by the price rows that today are known for their day.",
    "receipts": "The record of every request, and proofs that none was changed.",
    "content": "What projects that ask for it have kept of requests and answers: found, read, erased.",
    "acts": "Who changed what, in the same chain as the receipts.",
    "usage": "What receipts add up to: requests, tokens and money, by anything and over any time.",
    "files": "Examples and other files that were brought for jobs.",
    "datasets": "Examples that were checked, and checks of files against a base before anything is spent.",
    "jobs": "Trainings: examples in, a better model out, judged before it is served.",
    "bases": "Models of this installation that can be tuned.",
    "suites": "Questions with their answers, in which no new model may get worse.",
    "config": "Settings and declared objects with the origin of each.",
}
"""Every noun of an operation's name, for the reader of OpenAPI."""


def build_app(plane: Plane, *, token: Callable[[], str]) -> FastAPI:
    """Return the application.

    Args:
        plane: The state behind it.
        token: Gives the admin token as it is now.
    """
    app = FastAPI(
        title="Hortus admin API",
        summary="Projects, keys, endpoints, routes, deployments, hosts, receipts and configuration.",
        description=DESCRIPTION,
        version=plane.installation.version,
        openapi_url=OPENAPI_PATH,
        docs_url=None,
        redoc_url=None,
        openapi_tags=[{"name": noun, "description": sentence} for noun, sentence in NOUNS.items()],
        separate_input_output_schemas=False,
        redirect_slashes=False,
    )
    scheme = HTTPBearer(auto_error=False, scheme_name="admin token", description="The installation's admin token.")
    for operation in OPERATIONS:
        app.add_api_route(
            PREFIX + _with_slashes(operation.path),
            _make_endpoint(plane, operation),
            methods=[operation.method],
            response_model=operation.gives,
            status_code=operation.status,
            summary=operation.summary,
            description=f"{operation.summary}\n\nPermission: `{operation.permission}`.",
            response_description=(operation.gives.__doc__ or "").strip(),
            operation_id=operation.name,
            tags=[operation.name.partition(".")[0]],
            openapi_extra={"requestBody": FILE_BODY} if operation.takes_file else None,
            responses={"4XX": {"model": views.FaultAnswer, "description": "Refused; the hint says what to do."}},
            dependencies=[Security(scheme)],  # for the document only: `AdminDoor` checks before a body is read
        )
    _add_open_paths(app, plane)
    answer_faults(app)
    file_calls = frozenset((one.method, PREFIX + one.path) for one in OPERATIONS if one.takes_file)
    app.add_middleware(AdminDoor, token=token, file_calls=file_calls)
    return app


def _make_endpoint(plane: Plane, operation: Operation) -> Callable[..., Any]:
    """Return a function whose signature tells FastAPI what comes from path, query and body."""
    in_path = re.findall(r"{(\w+)}", operation.path)
    fields = operation.takes.model_fields
    parameters = [
        inspect.Parameter(
            name,
            inspect.Parameter.KEYWORD_ONLY,
            annotation=Annotated[str, Path(description=fields[name].description)],
        )
        for name in in_path
    ]
    if set(fields) - set(in_path):
        parameters.append(_members_parameter(operation, in_path))
    if operation.takes_file:
        parameters.append(inspect.Parameter("request", inspect.Parameter.KEYWORD_ONLY, annotation=Request))

    async def endpoint(**given: Any) -> views.View:
        request: Request | None = given.pop("request", None)
        members = given.pop("members", None)
        rest = members.model_dump(exclude_unset=True) if members is not None else {}
        ask = operation.takes.model_validate({**given, **rest})
        if request is None:
            return await perform(plane, operation, ask)
        async with file_brought(request, plane.installation.workshop.files) as brought:
            return await perform(plane, operation, ask, brought)

    endpoint.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]  # functions allow it
    endpoint.__name__ = operation.name.replace(".", "_")
    return endpoint


def _members_parameter(operation: Operation, in_path: list[str]) -> inspect.Parameter:
    fields = {name: field for name, field in operation.takes.model_fields.items() if name not in in_path}
    model: type[Ask] = operation.takes
    if in_path:
        definitions: dict[str, Any] = {name: (field.annotation, field) for name, field in fields.items()}
        model = create_model(f"{model.__name__}Members", __base__=Ask, __doc__=model.__doc__, **definitions)
    source = Query() if operation.is_in_query else Body(description=(model.__doc__ or "").strip())
    is_optional = not any(field.is_required() for field in fields.values())
    return inspect.Parameter(
        "members",
        inspect.Parameter.KEYWORD_ONLY,
        annotation=Annotated[model, source],
        default=model() if is_optional and not operation.is_in_query else inspect.Parameter.empty,
    )


async def perform(plane: Plane, operation: Operation, ask: Ask, *brought: Brought) -> views.View:
    """Run one operation; changes go one after another."""
    if operation.permission == "look" or not operation.changes:
        return await _run(plane, operation, ask)
    async with plane.changing:
        with acting(operation=operation.name):
            view = await _run(plane, operation, ask, *brought)
    if not getattr(ask, "dry_run", False):
        _log.info("change made", extra={"operation": operation.name})
    return view


async def _run(plane: Plane, operation: Operation, ask: Ask, *brought: Brought) -> views.View:
    if inspect.iscoroutinefunction(operation.run):
        view: views.View = await operation.run(plane, ask)
        return view
    run: Callable[..., Any] = operation.run
    answer = await asyncio.to_thread(run, plane, ask, *brought)
    assert isinstance(answer, views.View)  # noqa: S101 -- every function of the table that is no coroutine returns one
    return answer


def _with_slashes(path: str) -> str:
    """Let the last part of a path hold slashes, as names of endpoints and routes may."""
    return re.sub(r"{(\w+)}$", r"{\1:path}", path)


def _add_open_paths(app: FastAPI, plane: Plane) -> None:
    """Add what probes and Prometheus read without a token."""

    async def healthz() -> Response:
        return JSONResponse({"status": "ok"})

    async def readyz() -> Response:
        if plane.snapshot is None:
            return JSONResponse({"status": "starting"}, status_code=503)
        return JSONResponse({"status": "ready", "snapshot": plane.snapshot.version})

    async def metrics() -> Response:
        text, kind = await asyncio.to_thread(render_metrics, plane)
        return PlainTextResponse(text, media_type=kind)

    for path, function in (("/healthz", healthz), ("/readyz", readyz), ("/metrics", metrics)):
        app.add_api_route(path, function, methods=["GET"], include_in_schema=False)
