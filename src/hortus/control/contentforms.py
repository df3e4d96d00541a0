"""What the admin API takes and answers about kept content: what is meant, what was found, read and erased."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from hortus.control.models import Ask
from hortus.control.views import Instant, View

_LAST_NUMBER = 2**63 - 1  # what a column holds

ReceiptIds = Annotated[
    tuple[Annotated[str, Field(min_length=1, max_length=64)], ...],
    Field(max_length=500, description="Receipts whose exchanges are meant."),
]


class ContentWanted(Ask):
    """Which kept exchanges are meant; every member that is set must hold. In a body: a person's id is in no address."""

    subject: Annotated[
        str | None,
        Field(max_length=1024, description="The person behind it, as requests name them (`user`, `metadata.user_id`)."),
    ] = None
    receipts: ReceiptIds = ()
    project: Annotated[str | None, Field(description="Name of the project.")] = None
    key: Annotated[str | None, Field(description="Id of the key.")] = None
    since: Annotated[str | None, Field(description="From then on, as for usage: `7d`, `2026-11`, milliseconds.")] = None
    until: Annotated[str | None, Field(description="Likewise; a day, month or year is meant whole.")] = None
    mentions: Annotated[
        str | None,
        Field(
            min_length=2,
            max_length=1024,
            description="Words that stand in request or answer; letters' case does not count. Each one is opened.",
        ),
    ] = None
    after: Annotated[int, Field(ge=0, le=_LAST_NUMBER, description="Where the page before ended.")] = 0
    last: Annotated[
        int | None, Field(ge=0, le=_LAST_NUMBER, description="Where the search ends, as its first page said.")
    ] = None
    limit: Annotated[int, Field(ge=1, le=500, description="Most exchanges that are looked at.")] = 100


class KeptView(View):
    """A kept exchange, without its words."""

    receipt_id: str
    at_ms: Instant
    until_ms: Annotated[int, Field(description="When it is removed by itself, milliseconds since 1970 (UTC).")]
    project: Annotated[str, Field(description="Name of the project; its id where it is gone.")]
    key_id: str
    route: str
    dialect: str
    operation: str
    sealed_bytes: Annotated[int, Field(description="How much of the disk it takes.")]


class ContentFound(View):
    """A page of kept exchanges, oldest first."""

    found: list[KeptView]
    after: Annotated[int, Field(description="What to ask for next; the search is over when it is `last`.")]
    last: Annotated[int, Field(description="Ask for the next page with this: newer ones are not in this search.")]
    looked_at: Annotated[int, Field(description="How many this page looked at.")]
    total: Annotated[int, Field(description="How many there are without `mentions`, on the first page.")]


class ContentRead(Ask):
    """Whose content is read."""

    receipts: Annotated[ReceiptIds, Field(min_length=1)]


class ExchangeView(KeptView):
    """A kept exchange with its words."""

    endpoint: str | None
    status: Annotated[int, Field(description="HTTP status that the client got.")]
    is_stream: bool
    is_whole: Annotated[bool, Field(description="Whether the client got its answer to the end.")]
    subjects: Annotated[tuple[str, ...], Field(description="The people whom the request names as those behind it.")]
    response_id: Annotated[str | None, Field(description="Under which it can be continued.")]
    continues: Annotated[str | None, Field(description="The answer that the request goes on from.")]
    request: Annotated[str | None, Field(description="What the client sent; null where it was too long to keep.")]
    answer: Annotated[str | None, Field(description="What the client got; of a stream all its frames. Likewise.")]
    encoding: Annotated[str, Field(description="`utf-8`, or `base64` where a body is no text.")]
    request_bytes: int
    answer_bytes: int


class ContentView(View):
    """Kept exchanges with their words."""

    exchanges: list[ExchangeView]


class EraseWanted(Ask):
    """What is erased for good."""

    receipts: Annotated[ReceiptIds, Field(min_length=1)]
    dry_run: Annotated[bool, Field(description="Only say what would be erased.")] = True


class ContentErased(View):
    """What was, or would be, erased. Receipts stay: they hold digests, and never held words."""

    receipts: list[str]
    dry_run: bool
    seals: Annotated[int, Field(description="Of reasoning that went with it.")] = 0
    host_ids: Annotated[int, Field(description="Of hosts, whose owner was forgotten with it.")] = 0
    leaves_no_trace: Annotated[
        bool, Field(description="Whether the files' free room was cleared too; else ask again in a moment.")
    ] = True
    broken_files: Annotated[
        tuple[str, ...], Field(description="Files that broke earlier: what they hold can be neither read nor searched.")
    ] = ()
