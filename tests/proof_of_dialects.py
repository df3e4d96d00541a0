"""What the proofs over all dialects share: which dialects there are, and what JSON values being equal means."""

from __future__ import annotations

import msgspec

from hortus.canon.translation import Translation
from hortus.dialects import DIALECTS

TRANSLATIONS: dict[str, Translation] = {
    dialect.name: dialect.translation
    for dialect in DIALECTS
    if dialect.translation is not None and dialect.translation.chats is not None
}
NAMES = tuple(TRANSLATIONS)
PAIRS = tuple((client, host) for client in NAMES for host in NAMES)

CONTENT = frozenset(
    (
        "parameters",
        "input_schema",
        "schema",
        "args",
        "parametersJsonSchema",
        "responseSchema",
        "responseJsonSchema",
        "_responseJsonSchema",
    )
)
"""Members whose order of keys and spelling of numbers change what models answer."""

_OBJECT = msgspec.json.Decoder(dict[str, msgspec.Raw])
_LIST = msgspec.json.Decoder(list[msgspec.Raw])


def differences(first: bytes, second: bytes, *, at: str = "") -> list[str]:
    """Return the paths at which two JSON texts differ: as values, and byte for byte where they are content."""
    kinds = first[:1], second[:1]
    if kinds == (b"{", b"{"):
        one, other = _OBJECT.decode(first), _OBJECT.decode(second)
        found = [f"{at}.{name} is in one only" for name in sorted(one.keys() ^ other.keys())]
        for name in one.keys() & other.keys():
            path = f"{at}.{name}"
            if name in CONTENT and compact(one[name]) != compact(other[name]):
                found.append(f"{path} is content and differs in order or spelling")
            found += differences(bytes(one[name]), bytes(other[name]), at=path)
        return found
    if kinds == (b"[", b"["):
        ones, others = _LIST.decode(first), _LIST.decode(second)
        if len(ones) != len(others):
            return [f"{at} has {len(ones)} and {len(others)} items"]
        pairs = zip(ones, others, strict=True)
        return [one for i, (a, b) in enumerate(pairs) for one in differences(bytes(a), bytes(b), at=f"{at}[{i}]")]
    return [] if msgspec.json.decode(first) == msgspec.json.decode(second) else [f"{at} differs"]


def compact(value: bytes | msgspec.Raw) -> bytes:
    """Return JSON without white space between its tokens; names, order and spelling stay."""
    return msgspec.json.format(value, indent=-1)
