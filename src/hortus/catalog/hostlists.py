"""Where does a host say which models an account has, and in which shape? Rows only."""

from __future__ import annotations

from typing import Literal

import msgspec

ListShape = Literal[
    "openai",
    "gemini",
    "anthropic",
    "mistral",
    "cohere",
    "azure-account",
    "azure-deployments",
    "bedrock-models",
    "bedrock-profiles",
    "vertex",
]
Probe = Literal["count_tokens", "empty_chat"]
"""How a model is tried without cost: its tokens are counted, or it is sent a chat without messages, to be refused."""


class HostList(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """One list of a host's.

    Attributes:
        url: Its address; `{name}` stands for what only the operator knows.
        audience: For what a token of Entra ID is asked, where it is not the usual one; such a list is read by Entra
            ID only.
        permission: What the account must be allowed for it, by the host's own name.
        headers: Sent with it besides the credential's; values may have gaps as the address.
        source: Page that says so.
    """

    url: str
    shape: ListShape
    audience: str = ""
    permission: str = ""
    headers: dict[str, str] = {}
    source: str | None = None
