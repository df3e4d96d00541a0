"""What a policy says of a kind of request, whatever is in one."""

from __future__ import annotations

import pytest

from hortus.dialects import DIALECTS
from hortus.gateway.guards.sight import judge_operation
from hortus.policy.rules import Policy

GUARDED = Policy("guarded", personal_data="refuse", blocked_words=("Falkenhof",))
OPEN = Policy("open", secrets="refuse", unseen_content="allow")


def rules(policy: Policy, operation: str) -> list[str]:
    return [one.rule for one in judge_operation(policy, operation, dialects=DIALECTS)]


@pytest.mark.parametrize(
    "operation", ["chat", "embeddings", "batch_embeddings", "rerank", "moderations", "chat_moderations", "speech"]
)
def test_words_are_looked_at_whoever_asks(operation: str) -> None:
    assert rules(GUARDED, operation) == []


@pytest.mark.parametrize(
    "operation", ["transcriptions", "translations", "image_edits", "create_file", "add_upload_part"]
)
def test_what_always_brings_a_file_is_refused_where_nothing_unseen_may_pass(operation: str) -> None:
    assert rules(GUARDED, operation) == ["unseen_content"]
    assert rules(OPEN, operation) == []


@pytest.mark.parametrize("operation", ["ocr", "fim", "invoke"])
def test_what_no_guard_reads_is_refused_by_each_rule_that_wants_it_read(operation: str) -> None:
    assert rules(GUARDED, operation) == ["personal_data", "blocked_words"]


@pytest.mark.parametrize("operation", ["get_file", "create_batch", "list_models", "no such operation"])
def test_what_brings_nothing_unseen_is_not_refused(operation: str) -> None:
    assert rules(GUARDED, operation) == []


@pytest.mark.parametrize(
    ("policy", "said"),
    [
        (GUARDED, ["personal_data", "blocked_words"]),
        (Policy("strict", tools=("function",), stateless=True), ["stateless", "tools"]),
        (Policy("placed", compute_in=("EU",)), []),
    ],
)
def test_conversations_are_refused_by_every_rule_that_looks_into_requests(policy: Policy, said: list[str]) -> None:
    assert rules(policy, "realtime") == said
