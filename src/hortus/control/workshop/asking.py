"""Who asks the workshop's face for what, and how is it answered: the gateway says whose key it was, in headers."""

from __future__ import annotations

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from hortus.base.errors import HortusError
from hortus.canon.errors import InvalidRequest, RequestError
from hortus.control.workshop.room import NoRoom
from hortus.control.workshop.service import NotPossible, UnknownThing

USUAL_PAGE, LONGEST_PAGE = 20, 100
_LONGEST_NUMBER = 9


class Caller(msgspec.Struct, frozen=True):
    """Whose request it is; `key_id` is None where no key stands behind it."""

    project_id: str
    key_id: str | None

    @staticmethod
    def of(request: Request) -> Caller:
        """Return who asks. Raises InvalidRequest."""
        project_id = request.headers.get("hortus-project")
        if not project_id:
            raise InvalidRequest("No project is named.", path="hortus-project", hint="Ask through the gateway.")
        return Caller(project_id, request.headers.get("hortus-key") or None)


class Page(msgspec.Struct, frozen=True):
    """Which part of a list is wanted; `after` is the id of the last one already seen."""

    limit: int
    after: str | None


def page_of(request: Request) -> Page:
    """Return which part of a list is wanted. Raises InvalidRequest."""
    said = request.query_params.get("limit", str(USUAL_PAGE))
    if not (said.isascii() and said.isdigit() and len(said) <= _LONGEST_NUMBER and int(said)):
        raise InvalidRequest("`limit` must be a whole number above zero.", path="limit")
    if request.query_params.get("order", "desc") != "desc":
        raise InvalidRequest("Lists begin with the newest.", path="order", hint="Leave `order` out.")
    return Page(min(int(said), LONGEST_PAGE), request.query_params.get("after"))


def answer(body: object, status: int = 200) -> Response:
    """Return a JSON answer."""
    return Response(msgspec.json.encode(body), status_code=status, media_type="application/json")


def answer_fault(error: HortusError) -> Response:
    """Return an error in OpenAI's form."""
    status = _status_of(error)
    kind = "server_error" if status >= _OURS else "invalid_request_error"
    message = f"{error.message} {error.hint}" if error.hint else error.message
    return answer({"error": {"message": message, "type": kind, "param": error.path, "code": error.code}}, status)


_OURS = 500


def _status_of(error: HortusError) -> int:
    match error:
        case UnknownThing():
            return 404
        case NotPossible() | NoRoom():
            return 400
        case RequestError():
            return error.status
        case _:
            return _OURS
