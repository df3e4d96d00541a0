"""The other end of a signature: what AWS would say of a request, made once more by AWS's own SDK."""

from __future__ import annotations

import re
from collections.abc import Mapping

import msgspec
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

_CLAIM = re.compile(
    r"AWS4-HMAC-SHA256 Credential=([^/]+)/(\d{8})/([^/]+)/([^/]+)/aws4_request, SignedHeaders=([^,]+), Signature=(\w+)"
)


class Signed(msgspec.Struct, frozen=True):
    """Who says to have signed a request, for what, and which headers."""

    key_id: str
    region: str
    service: str
    names: tuple[str, ...]


def signed_by(
    method: str, url: str, *, headers: Mapping[str, str], body: bytes, secrets: Mapping[str, str]
) -> Signed | None:
    """Return who signed a request as it came, None where nobody did whose secret is known.

    Args:
        url: With the path as it was sent.
        headers: By name in lower case.
        secrets: Of each key pair, by its id.
    """
    found = _CLAIM.fullmatch(headers.get("authorization", ""))
    if found is None or found[1] not in secrets or not headers["x-amz-date"].startswith(found[2]):
        return None
    names = tuple(found[5].split(";"))
    request = AWSRequest(method, url, headers={name: headers[name] for name in names}, data=body)
    request.context["timestamp"] = headers["x-amz-date"]
    auth = SigV4Auth(Credentials(found[1], secrets[found[1]]), found[4], found[3])
    signature = auth.signature(auth.string_to_sign(request, auth.canonical_request(request)), request)
    return Signed(found[1], found[3], found[4], names) if signature == found[6] else None
