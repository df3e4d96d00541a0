"""How does a receipt name the rules that held? By the policy's name and a digest of what it demands."""

from __future__ import annotations

from hashlib import blake2b

import msgspec

from hortus.policy.rules import Policy

_DIGEST_BYTES = 4


def policy_mark(policy: Policy) -> str:
    """Return `NAME~DIGEST`; another digest means other rules under the same name. The description does not count.

    >>> policy_mark(Policy(name="anywhere")).partition("~")[0]
    'anywhere'
    """
    demands = msgspec.structs.replace(policy, name="", description="")
    return f"{policy.name}~{blake2b(msgspec.json.encode(demands), digest_size=_DIGEST_BYTES).hexdigest()}"
