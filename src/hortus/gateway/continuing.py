"""Going on from an answer by its id, where no host remembers it: Hortus puts the conversation into the request.

Only where the project keeps content, and for its own answers. An id that a host still keeps at an endpoint of the route
is left to that host.
"""

from __future__ import annotations

import msgspec

from hortus.canon.dialect import Asked, Continuing, KeptTurn
from hortus.canon.errors import Internal, NotReady, TooLarge
from hortus.content.exchange import Exchange
from hortus.content.ports import HostIds, KeptExchanges, NotKept
from hortus.framing.shallow import write_members
from hortus.gateway.calls import call_of
from hortus.gateway.choose import unknown_id
from hortus.gateway.door import Found
from hortus.gateway.headers import JSON_ANSWER
from hortus.gateway.visit import Visit
from hortus.snapshot.grants import Grant
from hortus.snapshot.resolved import Target

ADAPTED = "kept_turns"
"""Adaptation: turns that Hortus has kept were put before the request's own input, and how many."""

FORGOTTEN = "kept_turns_without_thoughts"
"""Adaptation: so many thoughts of these turns came without their seal: no host could read them, they are left out."""

ITS_OPERATIONS = frozenset(("get_response", "delete_response", "list_input_items"))

_MOST_TURNS = 1000


class Continued(msgspec.Struct, frozen=True):
    """A request, perhaps with its conversation put in.

    Attributes:
        from_id: The answer that it goes on from, where Hortus has put the conversation in.
    """

    asked: Asked
    body: bytes
    from_id: str | None = None
    adaptations: tuple[str, ...] = ()


class Conversations:
    """Conversations that Hortus keeps for clients.

    Args:
        exchanges: Where their turns lie.
        host_ids: Tells what hosts keep themselves.
        most_bytes: Of a conversation.
    """

    def __init__(self, exchanges: KeptExchanges, host_ids: HostIds, *, most_bytes: int) -> None:
        self._exchanges = exchanges
        self._host_ids = host_ids
        self._most_bytes = most_bytes

    async def go_on(
        self, visit: Visit, found: Found, *, asked: Asked, body: bytes, may_keep: tuple[Target, ...]
    ) -> Continued:
        """Put the conversation into a request that names an answer which Hortus keeps; others stay as they are.

        Args:
            visit: Whose request it is; the project keeps content.
            found: What is asked.
            asked: The request.
            body: The same as it came.
            may_keep: Whose hosts go on by themselves from what they keep.

        Raises:
            TooLarge: The conversation has become too long.
            NotReady: What is kept cannot be read now.
        """
        continuing, grant = found.dialect.continuing, visit.grant
        from_id = continuing.continues(asked.members) if continuing is not None else None
        if continuing is None or grant is None or from_id is None:
            return Continued(asked, body)
        if self._is_left_to_host(from_id, grant, found, may_keep=may_keep):
            return Continued(asked, body)
        turns = await self._turns(grant, from_id, continuing)
        if turns is None:
            return Continued(asked, body)  # the host's, or unknown: told apart where ids of hosts are checked
        expanded = continuing.expand(asked.members, turns)
        body = write_members(expanded.members)
        asked = found.dialect.read_request(found.operation, body, found.argument)
        forgotten = (f"{FORGOTTEN}={expanded.forgotten}",) if expanded.forgotten else ()
        return Continued(asked, body, from_id, (f"{ADAPTED}={len(turns)}", *forgotten))

    async def answer(self, visit: Visit, found: Found) -> None:
        """Answer what a client asks of an answer by its id.

        Raises:
            UnknownHostId: The project has none such.
            NotReady: What is kept cannot be read now.
        """
        continuing, grant, response_id = found.dialect.continuing, visit.grant, found.argument
        if continuing is None or grant is None or response_id is None:
            raise Internal("This operation has no answer.")
        match found.operation.name:
            case "delete_response":
                if not await self._forget(grant, response_id):
                    raise unknown_id("response")
                body = continuing.write_deleted(response_id)
            case "list_input_items":
                turns = await self._known_turns(grant, response_id, continuing)
                body = continuing.items_of(turns[-1].request, turns[:-1], call_of(visit, found).query)
            case _:
                body = bytes((await self._known_turns(grant, response_id, continuing))[-1].response.raw)
        await visit.answer(200, body, headers=JSON_ANSWER)

    def _is_left_to_host(self, from_id: str, grant: Grant, found: Found, *, may_keep: tuple[Target, ...]) -> bool:
        owner = self._host_ids.owner("response", from_id)
        if owner is None or owner.project_id != grant.project_id:
            return False
        name = found.dialect.name
        return any(owner.endpoint == target.endpoint.name and name in target.ways for target in may_keep)

    async def _known_turns(self, grant: Grant, response_id: str, continuing: Continuing) -> tuple[KeptTurn, ...]:
        turns = await self._turns(grant, response_id, continuing)
        if not turns:
            raise unknown_id("response")
        return turns

    async def _turns(self, grant: Grant, response_id: str, continuing: Continuing) -> tuple[KeptTurn, ...] | None:
        """Return the turns up to an answer, oldest first; None where one of them is gone or was never kept."""
        turns: list[KeptTurn] = []
        size, wanted = 0, response_id  # type: int, str | None
        while wanted is not None:
            exchange = await self._find(grant, wanted)
            turn = _turn_of(exchange, continuing) if exchange is not None else None
            if exchange is None or turn is None:
                return None
            turns.append(turn)
            size += len(turn.request) + len(bytes(turn.response.raw))
            if len(turns) > _MOST_TURNS or size > self._most_bytes:
                raise TooLarge(
                    f"The conversation has more than {_MOST_TURNS} turns or {self._most_bytes >> 20} MiB.",
                    path="previous_response_id",
                    hint="Begin another one, with a summary of this.",
                )
            wanted = exchange.continues
        return tuple(reversed(turns))

    async def _find(self, grant: Grant, response_id: str) -> Exchange | None:
        """Return the exchange of an answer that the key may see: one of its project, of a route that it may use."""
        try:
            found = await self._exchanges.answer(grant.project_id, response_id)
        except NotKept as error:
            raise _unreadable() from error
        return found if found is not None and grant.may_use(found.route) else None

    async def _forget(self, grant: Grant, response_id: str) -> bool:
        """Let an answer be known no longer, at its host neither; tell whether it was."""
        if await self._find(grant, response_id) is None:
            return False
        try:
            self._host_ids.forget(grant.project_id, "", ids=(response_id,))
            return await self._exchanges.forget_answer(grant.project_id, response_id)
        except NotKept as error:
            raise _unreadable() from error


def _turn_of(exchange: Exchange, continuing: Continuing) -> KeptTurn | None:
    if exchange.request is None or exchange.answer is None:
        return None
    response = continuing.response_of(exchange.answer, exchange.is_stream)
    return None if response is None else KeptTurn(exchange.request, response)


def _unreadable() -> NotReady:
    return NotReady("What is kept of content cannot be read now.", hint="Try again in a moment.")
