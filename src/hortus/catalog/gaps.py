"""Which parts of an address in a row are the operator's own (`{region}`), and how does it read with them?"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

_GAP: Final = re.compile(r"\{([a-z_]+)\}")


def gaps_in(text: str) -> tuple[str, ...]:
    """Return the names of the parts, in their order.

    >>> gaps_in("https://{region}.example/{project}")
    ('region', 'project')
    """
    return tuple(_GAP.findall(text))


def fill_gaps(text: str, known: Mapping[str, str]) -> str | None:
    """Return the text with its parts, None where one is not known.

    >>> fill_gaps("https://{region}.example", {"region": "eu"})
    'https://eu.example'
    """
    if any(name not in known for name in gaps_in(text)):
        return None
    return _GAP.sub(lambda gap: known[gap[1]], text)
