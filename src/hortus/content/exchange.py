"""What is kept of one request and its answer, and by what it is looked for."""

from __future__ import annotations

import msgspec

DAY_MS = 86_400_000


class Exchange(msgspec.Struct, frozen=True, array_like=True):
    """What a client sent and what it got, byte for byte.

    Attributes:
        receipt_id: Of its receipt.
        at_ms: When it came.
        days: How long it is kept: its retention class.
        endpoint: That answered last, None where none did.
        status: The HTTP status that the client got.
        is_whole: Whether the client got its answer to the end.
        request: None where it was too long to keep.
        answer: Likewise; of a stream all its frames.
        request_bytes: How long it was, kept or not.
        answer_bytes: Likewise.
        subjects: The people whom the request names as those behind it.
        response_id: Under which the answer can be continued and fetched; None where it cannot.
        continues: Id of the answer that this request goes on from.
    """

    receipt_id: str
    at_ms: int
    days: int
    project_id: str
    project: str
    key_id: str
    route: str
    dialect: str
    operation: str
    endpoint: str | None
    status: int
    is_stream: bool
    is_whole: bool
    request: bytes | None
    answer: bytes | None
    request_bytes: int
    answer_bytes: int
    subjects: tuple[str, ...] = ()
    response_id: str | None = None
    continues: str | None = None

    @property
    def until_ms(self) -> int:
        """When it is over."""
        return self.at_ms + self.days * DAY_MS


class Entry(msgspec.Struct, frozen=True, array_like=True):
    """What can be told of a kept exchange without opening it.

    Attributes:
        number: Its place in the file.
        version: Of the secret that seals it.
        name: Under which it is sealed.
    """

    number: int
    version: int
    name: bytes
    receipt_id: str
    at_ms: int
    until_ms: int
    project_id: str
    key_id: str
    route: str
    dialect: str
    operation: str
    sealed_bytes: int


class Wanted(msgspec.Struct, frozen=True):
    """Which kept exchanges are meant; every member that is set must hold.

    Attributes:
        since_ms: From then on.
        until_ms: Before then.
    """

    subject: str | None = None
    receipt_ids: tuple[str, ...] = ()
    project_id: str | None = None
    key_id: str | None = None
    since_ms: int | None = None
    until_ms: int | None = None


class Extent(msgspec.Struct, frozen=True):
    """How many are meant, and the last of them: newer ones are not in a search that has begun."""

    count: int
    last: int
