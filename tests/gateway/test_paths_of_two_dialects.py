"""Paths at the root that two dialects have in common: the one that says more is meant."""

from __future__ import annotations

import pytest

from hortus.dialects import DIALECTS
from hortus.gateway.door import Door


@pytest.mark.parametrize(
    ("method", "path", "dialect", "operation"),
    [
        ("POST", "/v1/models/a/b:c:generateContent", "gemini", "chat"),
        ("POST", "/v1/models/a:countTokens", "gemini", "count_tokens"),
        ("POST", "/v1beta/models/a:streamGenerateContent", "gemini", "chat"),
        ("GET", "/v1/models/a", "openai_chat", "get_model"),
        ("GET", "/v1beta/models/a", "gemini", "get_model"),
        ("GET", "/gemini/v1/models", "gemini", "list_models"),
        ("POST", "/vertex/v1/projects/p/locations/l/publishers/google/models/a:embedContent", "gemini", "embeddings"),
        ("POST", "/v1beta1/publishers/google/models/a:generateContent", "gemini", "chat"),
        ("POST", "/openai/deployments/a/b/chat/completions", "openai_chat", "chat"),
        ("POST", "/azure/openai/deployments/a/embeddings", "openai_chat", "embeddings"),
        ("POST", "/openai/v1/chat/completions", "openai_chat", "chat"),
        ("POST", "/azure/openai/v1/responses", "openai_responses", "chat"),
        ("POST", "/openai/responses", "openai_responses", "chat"),
        ("GET", "/azure/openai/responses/resp_1", "openai_responses", "get_response"),
        ("GET", "/openai/models", "openai_chat", "list_models"),
        ("GET", "/azure/openai/models/a", "openai_chat", "get_model"),
        ("POST", "/models/chat/completions", "openai_chat", "chat"),
        ("POST", "/azure/models/chat/completions", "openai_chat", "chat"),
        ("POST", "/models/embeddings", "openai_chat", "embeddings"),
    ],
)
def test_a_path_means_the_operation_that_says_more(method: str, path: str, dialect: str, operation: str) -> None:
    found = Door(DIALECTS).find(method, path, headers={})
    assert (found.dialect.name, found.operation.name) == (dialect, operation)
