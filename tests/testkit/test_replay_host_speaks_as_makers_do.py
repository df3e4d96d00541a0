"""The official SDKs pointed straight at the replay host: what it plays is what they parse."""

from __future__ import annotations

from typing import Any

import pytest

from hortus.testkit.replay_host import ReplayHost
from sdk.accepted import complaints
from sdk.clients.anthropic_messages import AnthropicMessages
from sdk.clients.azure import AzureChat, AzureResponses
from sdk.clients.azure_inference import AzureInference
from sdk.clients.bedrock import Bedrock
from sdk.clients.cohere import Cohere
from sdk.clients.foundry import FoundryByHand
from sdk.clients.google_genai import GoogleGenAI
from sdk.clients.mistralai import MistralAI
from sdk.clients.openai_chat import OpenAIChat
from sdk.clients.openai_responses import OpenAIResponses
from sdk.clients.words import listening
from sdk.features import FEATURES, HOST_LACKS, Feature, Place

PLACES: dict[Any, tuple[str, str]] = {
    OpenAIChat: ("/v1", "openai_chat"),
    OpenAIResponses: ("/v1", "openai_responses"),
    AzureChat: ("/azure", "azure"),
    AzureResponses: ("/azure", "azure"),
    AzureInference: ("/models", "azure"),
    FoundryByHand: ("/models", "azure"),
    AnthropicMessages: ("", "anthropic_messages"),
    GoogleGenAI: ("", "gemini"),
    MistralAI: ("/mistral", "mistral"),
    Cohere: ("", "cohere_v2"),
    Bedrock: ("", "bedrock_converse"),
}
"""Each SDK, its base address at the replay host, and the host that it finds there."""
NOT_DIRECT = {
    "tool loop, documented members only",  # without Hortus nothing brings the seal back
    "error labelled as a stream",  # only Google does this
    "stream with a wrong label",  # the SDKs do not forgive it
}
CASES = [
    pytest.param(made, row, id=f"{made.__name__}-{row.name}")
    for made, (_, host) in PLACES.items()
    for row in FEATURES
    if row.name not in NOT_DIRECT and row.needs not in made.lacks | HOST_LACKS[host]
]


@pytest.mark.parametrize(("made", "row"), CASES)
def test_the_sdk_of_its_own_dialect_understands_the_scene(made: Any, row: Feature, replay_host: ReplayHost) -> None:
    base, name = PLACES[made]
    place = Place(lambda scene: f"fake:scene={scene}", name, is_direct=True)
    before = len(replay_host.seen)
    with listening() as ears:
        client = made(f"http://127.0.0.1:{replay_host.port}{base}", "sk-any", ears)
        row.check(client, place, row.scene)
    assert [one for seen in replay_host.seen[before:] for one in complaints(seen)] == []
