"""Whatever JSON comes: requests are the client's fault, answers the host's, and nothing else is ever raised."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hortus.canon.errors import BrokenStream, CallerFault
from hortus.canon.translation import Call, Target, Whole
from hortus.dialects import DIALECTS

LAW = settings(
    max_examples=100, derandomize=True, database=None, deadline=None, suppress_health_check=list(HealthCheck)
)
ENCODE = msgspec.json.Encoder().encode
BROUGHT: dict[str, tuple[str, Whole]] = {  # type: ignore[type-arg] -- of both kinds
    f"{one.name}: {word}": (one.name, found)
    for one in DIALECTS
    if one.translation is not None
    for word, found in (("rerank", one.translation.rerank), ("moderations", one.translation.moderations))
    if found is not None
}
VOCABULARIES = {one.name: one.translation.vocabulary for one in DIALECTS if one.translation is not None}
WORDS = st.sampled_from(["a", "", "text", "image_url", "user", "data:image/png;base64,aGk=", "data:,", "é", "model"])
LEAVES = st.none() | st.booleans() | st.integers(-3, 3) | st.floats(-2, 2) | WORDS
NAMES = st.sampled_from(
    [
        *("text", "type", "image_url", "url", "image", "role", "content", "index", "relevance_score", "document"),
        *("flagged", "categories", "category_scores", "usage", "meta", "billed_units", "search_units", "own"),
    ]
)
VALUES = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3), max_leaves=8
)
ASKED = st.fixed_dictionaries(
    {"model": st.just("r")},
    optional={
        "query": LEAVES,
        "documents": st.lists(VALUES, max_size=3),
        "input": VALUES | st.lists(VALUES, max_size=3),
        "top_n": LEAVES,
        "return_documents": LEAVES,
    },
)
RESULTS = st.lists(VALUES, max_size=3)
ANSWERED = st.fixed_dictionaries(
    {}, optional={"results": RESULTS, "id": LEAVES, "model": LEAVES, "usage": VALUES, "meta": VALUES}
)


@pytest.mark.parametrize("name", BROUGHT)
@LAW
@given(body=ASKED, host=st.sampled_from(sorted(BROUGHT)))
def test_a_request_is_written_or_refused(name: str, body: dict[str, object], host: str) -> None:
    dialect, ours = BROUGHT[name]
    theirs = BROUGHT[host][1]
    try:
        request = ours.read_request(ENCODE(body), Call())
    except CallerFault:
        return
    if type(theirs) is type(ours):
        written = theirs.write_request(request, Target("up", VOCABULARIES[dialect]))
        theirs.read_request(written.body, Call())


@pytest.mark.parametrize("name", BROUGHT)
@LAW
@given(body=ANSWERED, asked=ASKED)
def test_an_answer_is_written_or_the_host_s_fault(name: str, body: dict[str, object], asked: dict[str, object]) -> None:
    _, ours = BROUGHT[name]
    usual = {"query": "q", "documents": ["a"], "input": ["a"]}
    try:
        request = ours.read_request(ENCODE({**asked, **usual}), Call())
    except CallerFault:
        request = ours.read_request(ENCODE({"model": "r", **usual}), Call())
    try:
        response = ours.read_response(ENCODE(body))
    except BrokenStream:
        return
    for dialect, theirs in BROUGHT.values():
        if type(theirs) is type(ours):
            msgspec.json.decode(theirs.write_response(response, request).body)
            assert dialect
