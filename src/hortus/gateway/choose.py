"""Which endpoints of a route can be tried, and when is another one, or the same again? Pure decisions."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from hortus.canon.dialect import Operation
from hortus.canon.errors import (
    HostFault,
    HostRejected,
    HostUnavailable,
    InvalidRequest,
    NoEligibleEndpoint,
    NotReady,
    RequestError,
    UnknownHostId,
    UnknownRoute,
)
from hortus.snapshot.grants import Grant
from hortus.snapshot.resolved import Ready, ReadyRoute, Target, Unusable

ROUTE_MEANT = "hortus-model"
"""Header, parameter of the address, form field or member by which a client says which route it means; no host gets it.
"""

_KEPT: Mapping[str, tuple[str, ...]] = {
    "files": (
        *("create_file", "get_file", "list_files", "delete_file", "file_content"),
        *("create_upload", "add_upload_part", "complete_upload", "cancel_upload"),
    ),
    "batches": (
        *("create_batch", "get_batch", "list_batches", "cancel_batch"),
        *("delete_batch", "batch_results"),
    ),
    "fine_tuning": (
        *("create_tuning_job", "get_tuning_job", "list_tuning_jobs", "cancel_tuning_job", "pause_tuning_job"),
        *("resume_tuning_job", "list_tuning_events", "list_tuning_checkpoints"),
    ),
}

KEEPING = frozenset(_KEPT)
"""What an endpoint offers whose host keeps things: such requests need not name a route."""

NEEDS: Mapping[str, str] = {
    "batch_embeddings": "embeddings",
    "chat_moderations": "moderations",
    "count_tokens": "chat",
    "image_edits": "images",
    "image_variations": "images",
    "translations": "transcriptions",
    **{name: need for need, names in _KEPT.items() for name in names},
}
"""What an endpoint must offer for an operation, where that is not the operation's own name."""

LONGEST_PATIENCE_S = 2
"""So long a request itself waits for a lone host that names a time; what takes longer is the client's to decide."""

_OVERLOADED = frozenset({429, 503, 529})
"""Too Many Requests, Service Unavailable (RFC 6585 and 9110), and what Anthropic's hosts say instead."""

_ENGINE_RETRY_AFTER_S = 2

_LONGEST_NAME = 128
"""A route's name is no longer; more of a wrong one is not repeated."""


def find_route(ready: Ready, name: str, *, grant: Grant) -> ReadyRoute:
    """Return the route that a key calls `name`; one that it may not use looks like one that does not exist.

    Raises:
        UnknownRoute: There is none.
    """
    route = ready.routes.get(name)
    if route is None or not grant.may_use(name):
        shown = name if len(name) <= _LONGEST_NAME else name[:_LONGEST_NAME] + "…"
        raise UnknownRoute(
            f"The model `{shown}` does not exist, or this key may not use it.",
            path="model",
            hint="GET /v1/models lists the models that this key may use.",
        )
    return route


def able_targets(route: ReadyRoute, operation: Operation, *, can_reach: Callable[[Target], bool]) -> tuple[Target, ...]:
    """Return the targets that can do what is asked, as the route lists them.

    Args:
        route: What can be called now.
        operation: What is asked.
        can_reach: Whether a target speaks the client's dialect, or one that the operation can be translated to.

    Raises:
        InvalidRequest: No endpoint of the route can do the operation.
        NotReady: None can be called now, but soon.
        NoEligibleEndpoint: None can be called.
    """
    able = tuple(
        [target for target in route.targets if need_of(operation) in target.endpoint.operations and can_reach(target)]
    )
    if not able:
        raise _explain(route, operation)
    return able


def need_of(operation: Operation) -> str:
    """Return what an endpoint must offer for an operation."""
    return NEEDS.get(operation.name, operation.name)


def may_move_on(error: HostFault) -> bool:
    """Tell whether another target is tried after `error` at one, before any byte went to the client.

    Only where nothing can have been charged, or when the host cut the connection without an answer, for then it is
    down.
    """
    if isinstance(error, HostRejected):
        return False
    return not error.may_have_cost or isinstance(error, HostUnavailable)


def may_try_again(error: HostFault, *, status: int | None) -> bool:
    """Tell whether a lone target is tried once more after `error`.

    Only if it was never reached, or says itself, with 429 or 503, that it has room again in a moment.
    """
    if error.may_have_cost or not error.retry_helps:
        return False
    return isinstance(error, HostUnavailable) or 0 < wait_asked_s(error, status=status) <= LONGEST_PATIENCE_S


def wait_asked_s(error: HostFault, *, status: int | None) -> int:
    """Return for how many seconds an overloaded host wants to be left alone; 0 where it does not say."""
    return (error.retry_after_s or 0) if status in _OVERLOADED else 0


def unknown_id(kind: str) -> UnknownHostId:
    """Return the error for an id that is not the project's; it is the same for one that nobody has."""
    return UnknownHostId(
        f"There is no such {kind.replace('_', ' ')} in this project.",
        hint="Ids can be used for as long as they are remembered, in the project whose request made them.",
    )


def pin(targets: tuple[Target, ...], endpoint: str, *, kind: str) -> tuple[Target, ...]:
    """Return the one target that keeps what an id names.

    Raises:
        UnknownHostId: The route does not lead there.
    """
    kept = tuple(target for target in targets if target.endpoint.name == endpoint)
    if not kept:
        raise UnknownHostId(
            f"The {kind.replace('_', ' ')} is kept by the endpoint {endpoint}, to which this model does not lead.",
            hint="Use the model that made it.",
        )
    return kept


def _explain(route: ReadyRoute, operation: Operation) -> RequestError:
    name = route.route.name
    lacks = _lacks(route, operation)
    unable = [Unusable(target.endpoint.name, f"does not offer {lacks}") for target in route.targets]
    if unable and not route.unusable:
        return InvalidRequest(f"The model `{name}` does not offer {lacks}.", path="model", hint="Choose another one.")
    reasons = "; ".join(f"{one.endpoint}: {one.reason}" for one in (*route.unusable, *unable))
    message = f"No endpoint of `{name}` can be used ({reasons or 'it has none'})."
    if any(one.is_passing for one in route.unusable):
        return NotReady(message, hint="Try again in a moment.", retry_after_s=_ENGINE_RETRY_AFTER_S)
    return NoEligibleEndpoint(message, path="model", hint="An admin can mend this; `hortus doctor` shows how.")


def _lacks(route: ReadyRoute, operation: Operation) -> str:
    """Say what no endpoint of a route can do: the operation as such, or only what this client's format makes of it."""
    offered = dict.fromkeys(one for target in route.targets for one in target.endpoint.operations)
    need = need_of(operation)
    if need not in offered:
        return f"{need}, only {' and '.join(offered)}"
    return f"{operation.name} to clients of this format, nor anything that it could be translated to"
