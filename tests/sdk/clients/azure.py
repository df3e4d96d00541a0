"""The official openai SDK's client for Azure, over both of OpenAI's interfaces."""

from __future__ import annotations

from typing import Any

import openai

from sdk.clients.openai_chat import OpenAIChat
from sdk.clients.openai_responses import OpenAIResponses
from sdk.clients.words import Listening

VERSION = "2025-03-01-preview"


def client_for(endpoint: str, key: str, listening: Listening) -> Any:
    return openai.AzureOpenAI(
        azure_endpoint=endpoint, api_version=VERSION, api_key=key, max_retries=0, http_client=listening.http
    )


class AzureChat(OpenAIChat):
    """The model stands in the path, as a deployment."""

    def __init__(self, base: str, key: str, listening: Listening) -> None:
        super().__init__(base, key, listening)
        self._client = client_for(base, key, listening)


class AzureResponses(OpenAIResponses):
    """The model stands in the body."""

    def __init__(self, base: str, key: str, listening: Listening) -> None:
        super().__init__(base, key, listening)
        self._client = client_for(base, key, listening)
