"""How is a request refused for what a guard found? Kinds, numbers and places are named, never what stands there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence

from hortus.canon.errors import RefusedByGuard

_MOST_PLACES = 10
_SOMEWHERE = "the request"


class RefusedForFindings(RefusedByGuard):
    """A guard's refusal that says, for the receipt, what was found: `iban:2`."""

    def __init__(self, message: str, *, path: str | None, hint: str, findings: tuple[str, ...]) -> None:
        super().__init__(message, path=path, hint=hint)
        self.findings = findings


def refuse_findings(
    kinds: Counter[str],
    places: Sequence[str],
    *,
    findings: tuple[str, ...],
    values: Collection[str],
    why: str,
    hint: str,
) -> RefusedForFindings:
    """Return the refusal of a request.

    Args:
        kinds: How many of each kind it is refused for.
        places: Where they are, in order.
        findings: All that was found, for the receipt.
        values: What was found: a path that holds one of them is not named.
        why: End of the sentence that says what was found.
        hint: What to do.
    """
    told = ", ".join(f"{number} x {kind}" for kind, number in sorted(kinds.items()))
    named = list(dict.fromkeys(_named(one, values) for one in places))
    more = f" and {len(named) - _MOST_PLACES} more places" if len(named) > _MOST_PLACES else ""
    where = ", ".join(named[:_MOST_PLACES])
    path = None if named[0] == _SOMEWHERE else named[0].strip("`")
    return RefusedForFindings(f"The request has {told} in {where}{more}{why}", path=path, hint=hint, findings=findings)


def _named(path: str, values: Collection[str]) -> str:
    is_told = path and not any(value in path for value in values)
    return f"`{path}`" if is_told else _SOMEWHERE
