"""Paths at the root that two dialects have in common: the one that says more is meant; and paths that nobody has."""

from __future__ import annotations

import pytest

from hortus.canon.errors import UnknownPath
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


@pytest.mark.parametrize("base", ["", "/bedrock"])
@pytest.mark.parametrize(
    "route", ["lamp", "eu/lamp", "maker.lamp-v1:0", "arn:aws:bedrock:eu-west-1:1:inference-profile/eu.lamp"]
)
@pytest.mark.parametrize(
    ("method", "operation"), [("converse", "chat"), ("converse-stream", "chat"), ("count-tokens", "count_tokens")]
)
def test_a_model_s_id_in_bedrock_s_paths_may_hold_slashes_and_colons(
    base: str, route: str, method: str, operation: str
) -> None:
    found = Door(DIALECTS).find("POST", f"{base}/model/{route}/{method}", headers={})
    assert (found.dialect.name, found.operation.name, found.argument) == ("bedrock_converse", operation, route)
    assert found.operation.is_stream is (method == "converse-stream")


@pytest.mark.parametrize(
    ("path", "dialect"),
    [
        ("/bedrock/nothing", "bedrock_converse"),
        ("/model/lamp/nothing", "bedrock_converse"),
        ("/v1beta/nothing", "gemini"),
        ("/v1/nothing", "openai_chat"),
        ("/nothing", "openai_chat"),
    ],
)
def test_the_errors_of_a_path_that_is_none_are_those_of_whom_its_beginning_belongs_to(path: str, dialect: str) -> None:
    assert Door(DIALECTS).dialect_of(path, headers={}).name == dialect


@pytest.mark.parametrize(
    ("path", "hint"),
    [
        ("/mistral/v1/v1/chat/completions", "Did you mean /mistral/v1/chat/completions?"),
        ("/cohere/v1/chat", "Did you mean /cohere/v2/chat?"),
        ("/anthropic/messages", "Did you mean /anthropic/v1/messages?"),
        ("/mistral/v1/agents/completions", "Served below /mistral are /v1/audio/transcriptions, "),
        ("/bedrock/model/lamp/foo", "Served below /bedrock are /foundation-models"),
        ("/chat/completions", "Did you mean /v1/chat/completions?"),
    ],
)
def test_a_path_that_is_nearly_one_is_answered_with_that_one(path: str, hint: str) -> None:
    with pytest.raises(UnknownPath) as raised:
        Door(DIALECTS).find("POST", path, headers={})
    assert (raised.value.hint or "").startswith(hint)
