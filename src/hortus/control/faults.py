"""How every error of the admin API is rendered: one form, a stable code, never a secret."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import ValidationError
from starlette.exceptions import HTTPException

from hortus.base.errors import ConfigurationError, HortusError, InstallationError
from hortus.canon.errors import RequestError
from hortus.control.errors import AdminError, Invalid
from hortus.control.tomllines import format_path

_STATUS_BY_CODE = {
    "not_found": 404,
    "not_possible": 409,
    "no_room": 409,
    "origin_conflict": 409,
    "conflict": 409,
    "job_failed": 400,
    "content_not_kept": 503,
}
_CODE_BY_STATUS = {404: "unknown_path", 405: "method_not_allowed"}
_PLACES = frozenset({"body", "query", "path", "members"})


def render_fault(error: HortusError) -> JSONResponse:
    """Return the answer for an error that was raised on purpose."""
    return _render(_status_of(error), error.code, error.message, path=error.path, hint=error.hint)


def answer_faults(app: FastAPI) -> None:
    """Let `app` answer every error in our form."""

    async def on_fault(_request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, HortusError)  # noqa: S101 -- registered for this class only
        return render_fault(error)

    async def on_invalid(_request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, RequestValidationError | ValidationError)  # noqa: S101 -- registered for these only
        return render_fault(_read_validation(error.errors()))

    async def on_http(_request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, HTTPException)  # noqa: S101 -- registered for this class only
        code = _CODE_BY_STATUS.get(error.status_code, "invalid_request")
        hint = "GET /admin/v1/openapi.json lists every operation."
        answer = _render(error.status_code, code, f"{error.detail}.", hint=hint)
        answer.headers.update(error.headers or {})
        return answer

    async def on_bug(_request: Request, _error: Exception) -> JSONResponse:
        hint = "The log of control says more; `hortus doctor` may know."
        return _render(500, "internal", "Hortus itself failed.", hint=hint)

    app.add_exception_handler(HortusError, on_fault)
    app.add_exception_handler(RequestValidationError, on_invalid)
    app.add_exception_handler(ValidationError, on_invalid)
    app.add_exception_handler(HTTPException, on_http)
    app.add_exception_handler(Exception, on_bug)


def _status_of(error: HortusError) -> int:
    match error:
        case AdminError() | RequestError():
            return error.status
        case ConfigurationError():
            return _STATUS_BY_CODE.get(error.code, 400)
        case InstallationError():
            return 503
        case _:
            return _STATUS_BY_CODE.get(error.code, 500)


def _read_validation(errors: Sequence[Any]) -> Invalid:
    """Make one error out of pydantic's list; what was sent is not repeated."""
    first = errors[0]
    if first["type"] == "json_invalid":
        return Invalid("The body is not JSON.", hint="Send one JSON object with content-type application/json.")
    places = [format_path(_where(one["loc"])) for one in errors]
    message = f"{first['msg']}."
    if len(places) > 1:
        message = f"{message} Also wrong: {', '.join(places[1:])}."
    hint = "GET /admin/v1/openapi.json says what it may be."
    if first["type"] == "extra_forbidden":
        message, hint = f"`{places[0]}` is unknown here.", "Remove it; " + hint
    if first["type"] == "missing" and not places[0]:
        message = "The body is missing."
    return Invalid(message, path=places[0] or None, hint=hint)


def _where(location: Sequence[str | int]) -> tuple[str | int, ...]:
    return tuple(part for index, part in enumerate(location) if index > 1 or part not in _PLACES)


def _render(status: int, code: str, message: str, *, path: str | None = None, hint: str | None = None) -> JSONResponse:
    headers = {"www-authenticate": "Bearer"} if status == 401 else None  # noqa: PLR2004 -- HTTP's word for it
    fault = {"code": code, "message": message, "path": path, "hint": hint}
    return JSONResponse({"error": fault}, status_code=status, headers=headers)
