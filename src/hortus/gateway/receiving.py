"""A request's body comes in, each kind in its own way: JSON and nothing into memory, forms into a spool."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import msgspec

from hortus.canon.dialect import Asked, Operation
from hortus.canon.errors import Internal, InvalidRequest, UnsupportedMediaType
from hortus.content.spool import Spool
from hortus.gateway.admit import check_content, check_length
from hortus.gateway.door import Found
from hortus.gateway.spelling import refuse_other_names, refuse_other_spellings
from hortus.gateway.uploads import Upload, receive_form
from hortus.gateway.visit import Visit

_FORM: Final = b"multipart/"
_LONGEST_NOTHING: Final = 1024
"""Some clients send `{}` where nothing is asked of them."""


class Came(msgspec.Struct, frozen=True):
    """A body that has come in: `upload` where it is a form, which lies in the visit's spool; else `body`."""

    body: bytes = b""
    upload: Upload | None = None

    def understand(self, found: Found) -> Asked:
        """Return what is asked, with nothing in it that somebody could read in another way.

        Raises:
            CallerFault: It cannot be understood.
        """
        dialect, operation = found.dialect, found.operation
        if self.upload is None:
            asked = dialect.read_request(operation, self.body, found.argument)
            refuse_other_spellings(asked.members)
            return asked
        if dialect.read_form is None:  # not reached: only operations of such dialects take forms
            raise Internal(f"The dialect {dialect.name} reads no forms.")
        refuse_other_names(self.upload.form)
        return dialect.read_form(operation, self.upload.form, found.argument)


class Reception:
    """Takes bodies in.

    Args:
        body_limit_bytes: Longest body in memory.
        upload_limit_bytes: Longest form.
        open_spool: Returns where one lies.
        entropy: Gives random bytes, for digests.
    """

    def __init__(
        self,
        *,
        body_limit_bytes: int,
        upload_limit_bytes: int,
        open_spool: Callable[[], Spool],
        entropy: Callable[[], bytes],
    ) -> None:
        self._body_limit_bytes = body_limit_bytes
        self._upload_limit_bytes = upload_limit_bytes
        self._open_spool = open_spool
        self._entropy = entropy

    async def receive(self, visit: Visit, operation: Operation) -> Came:
        """Return the body; its digest and its spool are the visit's.

        Raises:
            CallerFault: It is too long, or not of the kind that the operation takes.
            StorageFull: The disk has no room for it.
            ClientGone: The client left midway.
        """
        content_type = visit.received.get(b"content-type", b"")
        kind = operation.body
        if kind == "either":
            kind = "multipart" if content_type.lower().startswith(_FORM) else "json"
        match kind:
            case "json":
                check_content(visit.received, body_limit_bytes=self._body_limit_bytes)
                return Came(await self._read(visit, self._body_limit_bytes))
            case "multipart":
                return Came(upload=await self._receive_form(visit, content_type))
            case "none":
                check_length(visit.received, limit_bytes=_LONGEST_NOTHING)
                return Came(_nothing(await self._read(visit, _LONGEST_NOTHING)))

    async def _read(self, visit: Visit, limit_bytes: int) -> bytes:
        body = await visit.read(limit_bytes)
        visit.digest_request(body, self._entropy())
        return body

    async def _receive_form(self, visit: Visit, content_type: bytes) -> Upload:
        if visit.signed_body is not None:
            raise UnsupportedMediaType("A signed request cannot be a form.", hint="Send a key of this Hortus instead.")
        limit_bytes = self._upload_limit_bytes
        check_length(visit.received, limit_bytes=limit_bytes, setting="upload_limit_mib")
        digest = visit.begin_digest(self._entropy())
        spool = visit.spool = self._open_spool()
        upload = await receive_form(visit.exchange, content_type, spool=spool, limit_bytes=limit_bytes, digest=digest)
        visit.request_digest = digest.result()
        return upload


def _nothing(body: bytes) -> bytes:
    """Return an empty body. Raises InvalidRequest where it is none."""
    if body.strip() not in {b"", b"{}"}:
        raise InvalidRequest("This request takes no body.", hint="Send none.")
    return b""
