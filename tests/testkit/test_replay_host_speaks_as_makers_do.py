"""The official SDKs pointed straight at the replay host: what it plays is what they parse."""

from __future__ import annotations

from typing import Any

import pytest

from hortus.testkit.replay_host import ReplayHost
from sdk.accepted import complaints
from sdk.clients.anthropic_messages import AnthropicMessages
from sdk.clients.google_genai import GoogleGenAI
from sdk.clients.openai_chat import OpenAIChat
from sdk.clients.openai_responses import OpenAIResponses
from sdk.clients.words import listening
from sdk.features import FEATURES, HOST_LACKS, Feature, Place

BASES: dict[Any, str] = {OpenAIChat: "/v1", OpenAIResponses: "/v1", AnthropicMessages: "", GoogleGenAI: ""}
NOT_DIRECT = {
    "tool loop, documented members only",  # without Hortus nothing brings the seal back
    "error labelled as a stream",  # only Google does this
    "stream with a wrong label",  # the SDKs do not forgive it
}
CASES = [
    pytest.param(made, row, id=f"{made.dialect}-{row.name}")
    for made in BASES
    for row in FEATURES
    if row.name not in NOT_DIRECT and row.needs not in made.lacks | HOST_LACKS[made.dialect]
]


@pytest.mark.parametrize(("made", "row"), CASES)
def test_the_sdk_of_its_own_dialect_understands_the_scene(made: Any, row: Feature, replay_host: ReplayHost) -> None:
    place = Place(lambda scene: f"fake:scene={scene}", made.dialect, is_direct=True)
    before = len(replay_host.seen)
    with listening() as ears:
        client = made(f"http://127.0.0.1:{replay_host.port}{BASES[made]}", "sk-any", ears)
        row.check(client, place, row.scene)
    assert [one for seen in replay_host.seen[before:] for one in complaints(seen)] == []
