"""What the proofs of masks share: a finder of marks, a screener with a fixed secret, inquiries in any dialect."""

from __future__ import annotations

import re

import msgspec

from gateway.workplace import endpoint
from hortus.base.secrets import Secret
from hortus.canon.dialect import Dialect
from hortus.canon.request import Request
from hortus.canon.translation import Call
from hortus.canon.translation import Target as Recipient
from hortus.dialects import DIALECTS
from hortus.gateway.crossing import Passages
from hortus.gateway.guards.findings import Finding
from hortus.gateway.guards.placeholders import Mask, key_of
from hortus.gateway.guards.screen import Guarded, Screener
from hortus.gateway.passage import Inquiry, Passage
from hortus.policy.rules import Policy
from hortus.snapshot.resolved import Target, Way

BY_NAME: dict[str, Dialect] = {dialect.name: dialect for dialect in DIALECTS}
IN_PATH = frozenset(
    one.name for one in DIALECTS if any("{route}" in path.path for path in one.operations if path.name == "chat")
)
"""Dialects whose path names the route, and says whether the answer is a stream."""

SECRET = Secret(1, b"k" * 32)
HIDES = Policy("hides", personal_data="pseudonymise", secrets="pseudonymise")
REFUSES = Policy("refuses", personal_data="refuse")

PATTERNS = {
    "iban": r"DE\d{2}(?: ?\d){6,18}",
    "email": r"[\w.]+@[\w.]+\.[a-z]{2,}",
    "national_id": r"(?<=tax number )\d{11}",
    "person": r"(?:Anna|Zoé) \"?\w+",
    "number": r"(?<![\d.])\d{13}(?![\d.])",
}
"""Simple stand-ins for the real finders: what is found is not what is proven here."""


class Marks:
    """Finds what matches the patterns, and secrets that begin with `sk-`."""

    def find(self, text: str) -> list[Finding]:
        found = [
            Finding("personal_data", kind, match.start(), match.end())
            for kind, pattern in PATTERNS.items()
            for match in re.finditer(pattern, text)
        ]
        found += [Finding("secrets", "api_key", match.start(), match.end()) for match in re.finditer(r"sk-\w+", text)]
        found += [Finding("blocked_words", "blocked_word", m.start(), m.end()) for m in re.finditer("Bluebird", text)]
        found.sort(key=lambda one: (one.start, -one.end))
        kept: list[Finding] = []
        for one in found:
            if not kept or one.start >= kept[-1].end:
                kept.append(one)
        return kept


def new_mask(project_id: str = "prj_1") -> Mask:
    return Mask(key_of(SECRET), project_id)


def screener() -> Screener:
    return Screener(lambda: SECRET, lambda _: Marks())


def inquiry_of(
    dialect: str, body: bytes, *, operation: str = "chat", call: Call | None = None, project_id: str = "prj_1"
) -> Inquiry:
    """Return what a client asks, as the gateway reads it."""
    found = BY_NAME[dialect]
    call = call or Call(route="garden" if dialect in IN_PATH else None)
    is_stream = call.is_stream if dialect in IN_PATH else None
    one = next(one for one in found.operations if one.name == operation and one.is_stream in {None, is_stream or False})
    return Inquiry(
        dialect=found,
        operation=one,
        asked=found.read_request(one, body, call.route),
        body=body,
        call=call,
        receipt_id="rcp_01ABC",
        project_id=project_id,
        now_s=1_790_000_000,
    )


def inquiry_for(dialect: str, request: Request, *, is_stream: bool = False) -> Inquiry:
    """Return the same for a canonical request, written in a dialect."""
    translation = BY_NAME[dialect].translation
    assert translation is not None
    asked = msgspec.structs.replace(request, is_stream=is_stream)
    body = translation.chat.write_request(asked, Recipient(model="garden", source=translation.vocabulary)).body
    call = Call(route="garden", is_stream=is_stream, query={"alt": "sse"} if is_stream else {})
    return inquiry_of(dialect, body, call=call if dialect in IN_PATH else Call())


class Shelf:
    """Keeps seals in a dict, as shared memory does in one process."""

    def __init__(self) -> None:
        self.kept: dict[tuple[str, str, str], bytes] = {}

    def keep(self, project_id: str, endpoint: str, call_id: str, data: bytes) -> None:
        self.kept[project_id, endpoint, call_id] = data

    def find(self, project_id: str, endpoint: str, call_id: str) -> bytes | None:
        return self.kept.get((project_id, endpoint, call_id))


def target_of(*dialects: str) -> Target:
    """Return an endpoint whose host speaks these."""
    made = endpoint("there", "https://host.example", "upstream", dialects=dialects)
    ways = {one.dialect: Way(one, "https://host.example", "upstream") for one in made.spoken}
    return Target(endpoint=made, ways=ways)


def passage_to(
    inquiry: Inquiry, *hosts: str, policy: Policy = HIDES, seals: Shelf | None = None, guarded: Guarded | None = None
) -> Passage:
    """Return the way of a request that guards have looked at."""
    guarded = guarded or screener().screen(policy, inquiry)
    return Passages(inquiry, BY_NAME, seals=seals or Shelf(), guarded=guarded).to(target_of(*hosts))
