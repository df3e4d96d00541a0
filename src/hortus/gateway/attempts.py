"""How does an attempt begin? What it may use is reserved, it is written down, and nothing stays held if that fails."""

from __future__ import annotations

from hortus.gateway.passage import Inquiry, Outgoing
from hortus.gateway.quotas import Quotas
from hortus.gateway.settle import Attempt, Books
from hortus.gateway.visit import Visit
from hortus.snapshot.resolved import Target


class Attempts:
    """Begins attempts.

    Args:
        books: Where they are written down.
        quotas: What is reserved.
    """

    def __init__(self, books: Books, quotas: Quotas) -> None:
        self._books = books
        self._quotas = quotas

    async def open(self, visit: Visit, target: Target, *, number: int, inquiry: Inquiry, outgoing: Outgoing) -> Attempt:
        """Reserve what an attempt may use and write down that it begins.

        Raises:
            RulesFault: There is no room for what it may use.
            OurFault: It cannot be found out, or not be written down.
        """
        endpoint = target.endpoint
        held = self._quotas.without_limits(visit, endpoint, inquiry=inquiry, outgoing=outgoing)
        if held is None:
            held = await self._quotas.hold(visit, endpoint, inquiry=inquiry, outgoing=outgoing)
        try:
            return self._books.open(visit, target, number=number, inquiry=inquiry, outgoing=outgoing, held=held)
        except BaseException:
            held.free()
            raise
