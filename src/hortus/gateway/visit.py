"""One request while it is being answered: what is known of it so far, for receipts, metrics and the log."""

from __future__ import annotations

import re

from hortus.base.ids import make_id
from hortus.base.secrets import KEY_PREFIX
from hortus.canon.dialect import Dialect, Operation
from hortus.canon.loss import Loss
from hortus.canon.usage import Usage
from hortus.content.spool import Spool
from hortus.gateway.exchange import Exchange
from hortus.gateway.judging import Judged
from hortus.gateway.keeping import Keeping
from hortus.gateway.losses import loss_header
from hortus.receipts.digests import ContentDigest, digest_content
from hortus.receipts.records import Caller
from hortus.snapshot.grants import Grant

_SANE_ID = re.compile(rb"[A-Za-z0-9][A-Za-z0-9._:/+=@-]{0,127}")
_TRACEPARENT = re.compile(rb"(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")
"""https://www.w3.org/TR/trace-context/#traceparent-header-field-values, read 2026-11: ff and zeros are not valid."""

_KEY_START = KEY_PREFIX.encode()
"""A key that somebody put into another header by mistake must not be written down."""

_NOBODY = Caller()
_REQUEST_ID = b"x-request-id"

Pairs = tuple[tuple[bytes, bytes], ...]


class Visit:
    """A request's state; written by the task that serves it and nobody else.

    Args:
        exchange: The client's side.
        dialect: In which errors are rendered until the path is understood.
        now_ms: When it came.
        now_s: The same on the clock that only grows.
        entropy: Random bytes for the receipt's id.
    """

    __slots__ = (
        "answer_digest",
        "asked_route",
        "cached_from",
        "caller",
        "dialect",
        "endpoint",
        "error_code",
        "exchange",
        "findings",
        "grant",
        "has_begun",
        "has_given_ids",
        "has_words",
        "headers",
        "idempotency",
        "is_completed",
        "is_gone",
        "is_opened",
        "is_stream",
        "judged",
        "keeping",
        "losses",
        "notices",
        "now_ms",
        "operation",
        "receipt_id",
        "received",
        "request_digest",
        "request_id",
        "route",
        "rulings",
        "salt",
        "shadow",
        "signed_body",
        "spool",
        "started_s",
        "status",
        "traceparent",
        "usage",
    )

    def __init__(self, exchange: Exchange, dialect: Dialect, *, now_ms: int, now_s: float, entropy: bytes) -> None:
        self.exchange = exchange
        self.dialect = dialect
        self.now_ms = now_ms
        self.started_s = now_s
        self.received = dict(exchange.headers)
        self.receipt_id = make_id("rcp", now_ms, entropy=entropy)
        given = self.received.get(_REQUEST_ID)
        is_kept = given is not None and _SANE_ID.fullmatch(given) is not None and _KEY_START not in given
        self.request_id = given.decode() if given is not None and is_kept else f"req{self.receipt_id[3:]}"
        traceparent = self.received.get(b"traceparent")
        is_trace = traceparent is not None and _TRACEPARENT.fullmatch(traceparent) is not None
        self.traceparent = traceparent.decode() if traceparent is not None and is_trace else None
        self.headers = self._headers()
        self.operation: Operation | None = None
        self.grant: Grant | None = None
        self.caller = _NOBODY
        self.route: str | None = None
        self.asked_route: str | None = None
        """A name that is no route for this key: for the receipt, never a label of a metric."""
        self.endpoint: str | None = None
        self.usage: Usage | None = None
        self.is_stream, self.status = False, 0
        self.error_code: str | None = None
        self.has_begun = False
        """The head of the answer has been sent: an error can no longer change it."""
        self.is_completed = False
        """An attempt was completed: the client has its answer, or could have had it."""
        self.is_opened = False
        """An attempt is in the journal: the request is no longer a refusal."""
        self.losses: tuple[Loss, ...] = ()
        """What the endpoint in use does not get, and what of its answer the client does not."""
        self.judged: Judged | None = None
        """What the policy says of the route."""
        self.rulings: tuple[str, ...] = ()
        """What it says against the request or endpoints, as receipts have it; likewise the shadow policy's."""
        self.shadow: tuple[str, ...] = ()
        self.findings: tuple[str, ...] = ()
        """What guards found, as `KIND:NUMBER`."""
        self.idempotency: str | None = None
        """Keyed digest of the client's `Idempotency-Key`."""
        self.signed_body: bytes | None = None
        self.salt = b""
        """Of the digests of content, for this receipt only."""
        self.request_digest: str | None = None
        self.answer_digest: str | None = None
        self.keeping: Keeping | None = None
        """What is kept of request and answer, where the project asks for that."""
        self.is_gone = False
        """The client left before the end of its answer."""
        self._begin_bodies()

    def _begin_bodies(self) -> None:
        self.spool: Spool | None = None
        """Where the request's body lies, if it is long."""
        self.has_words = True
        """What is answered in parts is text of the dialect: an error can be said at its end."""
        self.has_given_ids = False
        """The host keeps what the answer names by an id, for later requests."""
        self.cached_from: str | None = None
        """Receipt of the answer that is given again."""
        self.notices: Pairs = ()
        """Headers about the end of the answering model."""

    def _headers(self) -> Pairs:
        own = (b"hortus-receipt", self.receipt_id.encode()), (_REQUEST_ID, self.request_id.encode())
        return own if self.traceparent is None else (*own, (b"traceparent", self.traceparent.encode()))

    def welcome(self, grant: Grant) -> None:
        """Take note of who asks."""
        self.grant = grant
        self.caller = Caller(key_id=grant.key_id, project_id=grant.project_id)

    async def read(self, limit_bytes: int) -> bytes:
        """Return the whole body, which was read before where it is signed. Raises TooLarge, ClientGone."""
        return self.signed_body if self.signed_body is not None else await self.exchange.read(limit_bytes)

    def take_verdict(self, judged: Judged) -> None:
        """Take note of what the policy says of the route."""
        self.judged = judged
        self.rulings = judged.rulings
        self.shadow = judged.shadow_rulings

    def digest_request(self, body: bytes, salt: bytes) -> None:
        """Take note of a digest of what the client sent."""
        self.salt = salt
        self.request_digest = digest_content(body, salt)

    def begin_digest(self, salt: bytes) -> ContentDigest:
        """Return what takes a digest of what the client sends in parts; `request_digest` is set from its result."""
        self.salt = salt
        return ContentDigest(salt)

    def note_losses(self, losses: tuple[Loss, ...]) -> None:
        """Take note of what is not carried, for the header of the answer."""
        if losses:
            self.losses += losses

    def loss_headers(self, *, is_stream: bool = False) -> Pairs:
        """Return the header that names what was not carried; `is_stream`: a translated answer is still to come."""
        return loss_header(self.losses, is_stream=is_stream)

    def adopt(self, dialect: Dialect) -> None:
        """Speak a dialect from now on; its SDKs look for the request's id in a header of their own."""
        self.dialect = dialect
        name = dialect.request_id_header.encode()
        if name != _REQUEST_ID:
            self.headers = (*self._headers(), (name, self.request_id.encode()))

    async def keep(self, body: bytes = b"", *, status: int, is_whole: bool = True) -> None:
        """Keep request and answer where the project asks for that, unless it is done; of a stream no body is given."""
        if self.keeping is not None:
            await self.keeping.end(body, status=status, is_whole=is_whole)

    async def answer(self, status: int, body: bytes, *, headers: Pairs) -> None:
        """Send a whole answer; what is to be kept of it is kept before."""
        await self.keep(body, status=status)
        self.status = status
        self.has_begun = True
        headers = (*headers, *self.loss_headers())
        length = (b"content-length", b"%d" % len(body))
        await self.exchange.answer(status, (*headers, *self.headers, length), body)
