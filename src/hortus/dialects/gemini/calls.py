"""Which id does a tool call have where Google's wire gives none? One counted through the request or answer.

Results without an id belong to the first call of their name that has no result yet: by name and order.
"""

from __future__ import annotations


class CallIds:
    """Ids of one request's, or one answer's, calls.

    Args:
        stem: Of the ids made here: `call` in requests; an answer's own id, so that no two answers' are the same.
    """

    __slots__ = ("_count", "_waiting", "stem")

    def __init__(self, stem: str = "call") -> None:
        self.stem = stem
        self._count = 0
        self._waiting: list[tuple[str, str]] = []

    def of_call(self, name: str, given: str | None) -> str:
        """Return the id of the next call."""
        call_id = given or self._made()
        self._waiting.append((call_id, name))
        return call_id

    def of_result(self, name: str, given: str | None) -> str:
        """Return the id of the call that the next result answers."""
        found = next((call for call in self._waiting if (call[0] == given if given else call[1] == name)), None)
        if found is None:
            return given or self._made()
        self._waiting.remove(found)
        return found[0]

    def _made(self) -> str:
        self._count += 1
        return f"{self.stem}_{self._count - 1}"
