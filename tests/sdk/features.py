"""The rows of the matrix: what each client asks for, and what must come of it whichever host answers."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import httpx2
import msgspec
import pytest

from hortus.testkit.scenes.plots import HOURS, LAMP, REASON, REPORT, WORDS, describe
from sdk.clients.words import Ask, Call, Heard

PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de"
    "0000000c49444154789c63f8ffff3f0005fe02fe0def46b80000000049454e44ae426082"
)
SCHEMA = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "lamps": {"type": "integer"}, "is_open": {"type": "boolean"}},
    "required": ["city", "lamps", "is_open"],
    "additionalProperties": False,
}
TEXT, REASONED = "".join(WORDS), "".join(REASON)
FOUND = {"find_lamp": "on the list as „Nr. 12“ 🌳", "office_hours": "8:30 to noon"}
BOTH = ("find_lamp", "office_hours")
PICTURE_URL = "https://city.example/lamp.png"

OURS = frozenset({401, 403})
"""A host's refusal of our credential is not the caller's fault: a program sees a server that fails."""


class Place(msgspec.Struct, frozen=True):
    """Where a client's questions go.

    Attributes:
        model: Scene and options (`status=429`) to the name that the client puts as its model.
        host: Dialect of the replay host.
        is_direct: There is no Hortus in between.
        elsewhere: Opens the same client on another gateway worker.
    """

    model: Callable[[str], str]
    host: str
    is_direct: bool = False
    elsewhere: Callable[[], Any] | None = None


class Feature(msgspec.Struct, frozen=True):
    """A row.

    Attributes:
        needs: What an API may lack (`Client.lacks`, `HOST_LACKS`), by name.
        scene: With the options of the replay host; routes are made of these.
    """

    name: str
    scene: str
    check: Callable[[Any, Place, str], None]
    needs: str = ""


HOST_LACKS: dict[str, frozenset[str]] = {
    "openai_chat": frozenset({"count-tokens"}),
    "openai_responses": frozenset({"count-tokens", "embeddings"}),
    "anthropic_messages": frozenset({"embeddings"}),
    "gemini": frozenset(),
    # neither has a reason to stop, or a block, that tells a refusal or a filter from an answer
    "mistral": frozenset({"count-tokens", "refusal", "content-filter"}),
    "cohere_v2": frozenset({"count-tokens", "refusal", "content-filter"}),
    # vectors come by invoke-model only; a filter stops answers, a model that refuses does so in plain words
    "bedrock_converse": frozenset({"embeddings", "refusal"}),
    "azure": frozenset({"count-tokens"}),
}
"""Features that a host's API does not offer."""

WITHOUT_A_WORD = frozenset({"mistral", "cohere_v2"})
"""APIs whose answers do not tell a refusal from anything else that was said."""

UNTOLD: dict[str, frozenset[str]] = {name: frozenset() for name in HOST_LACKS} | {
    "mistral": frozenset({"reasoning"}),
    "bedrock_converse": frozenset({"reasoning"}),
    # says how many the model had cached, not how many of those it charged
    "cohere_v2": frozenset({"cached"}),
}
"""Tokens that a host does not count apart."""

_OF_MOST = frozenset({"temperature", "top_p", "max_output_tokens", "stop"})
_OF_MANY = _OF_MOST | {"seed", "presence_penalty", "frequency_penalty"}
PARAMETERS: dict[str, frozenset[str]] = {
    "openai_chat": _OF_MANY,
    "openai_responses": _OF_MOST - {"stop"},
    "anthropic_messages": _OF_MOST | {"top_k"},
    "gemini": _OF_MANY | {"top_k"},
    "mistral": _OF_MANY | {"top_k"},
    "cohere_v2": _OF_MANY | {"top_k"},
    "bedrock_converse": _OF_MOST | {"top_k"},
    "azure": _OF_MANY,
}
NAMES = {
    **dict.fromkeys(("max_tokens", "max_completion_tokens", "maxTokens"), "max_output_tokens"),
    **dict.fromkeys(("stop_sequences", "stopSequences"), "stop"),
    **dict.fromkeys(("p", "topP"), "top_p"),
    "k": "top_k",
    "random_seed": "seed",
}
"""What SDKs call a parameter, and what the replay host does."""

_NESTED = ("extra_body", "inferenceConfig", "additionalModelRequestFields", "model_extras")


def asked(ask: Ask, *, streamed: bool = False) -> Callable[[Any, Place, str], Heard]:
    """Make the call that a row makes."""

    def call(client: Any, place: Place, scene: str) -> Heard:
        return (client.stream if streamed else client.ask)(place.model(scene), ask)

    return call


def says_in_spite_of(oddity: str) -> Callable[[Any, Place, str], None]:
    """An oddity of a host's stream is no error; where it is relayed, some SDKs mind it, with Hortus and without."""

    def check(client: Any, place: Place, scene: str) -> None:
        is_relayed = place.host == client.dialect
        if is_relayed and oddity in getattr(client, "minds", ()):
            pytest.skip(f"the SDK minds {oddity} in what it is relayed")
        says(TEXT, streamed=True)(client, place, scene)

    return check


def says(text: str, *, streamed: bool = False, stop: str = "end") -> Callable[[Any, Place, str], None]:
    """The answer's text and its reason to stop arrive, in pieces where it is a stream."""

    def check(client: Any, place: Place, scene: str) -> None:
        heard = asked(Ask(), streamed=streamed)(client, place, scene)
        assert (heard.text, heard.stop) == (text, stop)
        assert heard.pieces > 1 or not streamed or len(text) < 20

    return check


def calls_tools(*, streamed: bool = False, names: tuple[str, ...] = BOTH) -> Callable[[Any, Place, str], None]:
    """Calls arrive with name, id and arguments, in order."""

    def check(client: Any, place: Place, scene: str) -> None:
        heard = asked(Ask(tools=names), streamed=streamed)(client, place, scene)
        wanted = [(one.name, one.arguments) for one in (LAMP, HOURS) if one.name in names]
        assert [(one.name, one.arguments) for one in heard.calls] == wanted
        assert all(one.id for one in heard.calls)
        assert len({one.id for one in heard.calls}) == len(wanted)
        assert heard.stop == "tools"

    return check


def gives_results(client: Any, place: Place, scene: str) -> None:
    """Results of tools reach the host with their calls, whoever made those."""
    ids = getattr(client, "past_ids", ("call_1", "call_2"))
    past = (Call(ids[0], LAMP.name, LAMP.arguments), Call(ids[1], HOURS.name, HOURS.arguments))
    history = (*client.past_calls(past), *client.results(Heard(calls=past), FOUND))
    heard = client.ask(place.model(scene), Ask(tools=BOTH, history=history))
    assert heard.text == "".join(f"{name}: {text}; " for name, text in FOUND.items())


def loops(*, streamed: bool = False, by_hand: bool = False, names: tuple[str, ...] = BOTH) -> Callable[..., None]:
    """The second turn is taken by the host: every seal of the first came back to it."""

    def check(client: Any, place: Place, scene: str) -> None:
        if by_hand and (not hasattr(client, "stream_by_hand") or place.host in {client.dialect, "azure"}):
            pytest.skip("every member is documented, or it is the maker's own to demand it back")
        say = client.stream_by_hand if by_hand else client.stream if streamed else client.ask
        model = place.model(scene)
        first = say(model, Ask(tools=names, wants_reasoning=True))
        assert [one.name for one in first.calls] == list(names)
        history = (*first.turn, *client.results(first, FOUND))
        second = say(model, Ask(tools=names, wants_reasoning=True, history=history))
        assert second.text == "".join(f"{name}: {FOUND[name]}; " for name in names)

    return check


def loops_elsewhere(client: Any, place: Place, scene: str) -> None:
    """The second turn is taken by another worker than the first."""
    other = place.elsewhere() if place.elsewhere else client
    model = place.model(scene)
    first = client.stream(model, Ask(tools=BOTH, wants_reasoning=True))
    history = (*first.turn, *client.results(first, FOUND))
    second = other.stream(model, Ask(tools=BOTH, wants_reasoning=True, history=history))
    assert second.text == "".join(f"{name}: {FOUND[name]}; " for name in BOTH)


def sees_bytes(client: Any, place: Place, scene: str) -> None:
    """The bytes of a picture reach the host with their media type."""
    assert client.ask(place.model(scene), Ask(picture=PIXEL)).text == describe("image/png", PIXEL)


def sees_address(client: Any, place: Place, scene: str) -> None:
    """The address of a picture reaches the host."""
    assert client.ask(place.model(scene), Ask(picture_url=PICTURE_URL)).text == describe("", b"", url=PICTURE_URL)


def structured(*, streamed: bool = False) -> Callable[..., None]:
    """The schema reaches the host, the JSON comes back."""

    def check(client: Any, place: Place, scene: str) -> None:
        heard = asked(Ask(schema=SCHEMA), streamed=streamed)(client, place, scene)
        assert msgspec.json.decode(heard.text) == REPORT

    return check


def reasons(*, streamed: bool = False) -> Callable[..., None]:
    """Reasoning comes back beside the answer and apart from it."""

    def check(client: Any, place: Place, scene: str) -> None:
        heard = asked(Ask(wants_reasoning=True), streamed=streamed)(client, place, scene)
        assert heard.text == TEXT
        # Chat Completions has no documented place for it: what hosts add there is a gift
        assert heard.reasoning == REASONED or (client.dialect == "openai_chat" and not heard.reasoning)

    return check


def stops_at(client: Any, place: Place, scene: str) -> None:
    """The stop sequence reaches the host."""
    heard = client.ask(place.model(scene), Ask(more=client.stop))
    assert (heard.text, heard.stop) == ("one ", "end")
    assert heard.stop_sequence in {None, "two"}


def refuses(client: Any, place: Place, scene: str) -> None:
    """A refusal is not an answer: the client is told by its API's own sign."""
    heard = client.ask(place.model(scene), Ask())
    assert heard.stop in {"refusal", "filter"} or _says_what_it_cannot(client, heard)


def is_filtered(client: Any, place: Place, scene: str) -> None:
    """An answer cut by the maker's filter does not look finished."""
    heard = client.ask(place.model(scene), Ask())
    assert heard.stop in {"filter", "refusal"} or _says_what_it_cannot(client, heard)


def _says_what_it_cannot(client: Any, heard: Heard) -> bool:
    """Tell whether an API without a word for it has the words, and the header what happened to them."""
    return client.dialect in WITHOUT_A_WORD and bool(heard.text) and bool(client.headers.get("hortus-losses"))


def counts(*, streamed: bool = False) -> Callable[..., None]:
    """Tokens arrive under this API's names: all of them, and the cached, written and reasoning ones apart."""

    def check(client: Any, place: Place, scene: str) -> None:
        counted = asked(Ask(), streamed=streamed)(client, place, scene).counted
        assert counted is not None
        assert (counted.given, counted.made) == (1000, 60)
        # where the host does not tell, there is none, or the nought of those APIs that always have a number
        assert counted.cached in {None, 0 if "cached" in UNTOLD[place.host] else 700}
        assert counted.reasoning in {None, 0 if "reasoning" in UNTOLD[place.host] else 40}
        if place.host in {"anthropic_messages", "openai_responses"}:
            assert counted.cache_write in {None, 200}

    return check


def carries_parameters(client: Any, place: Place, scene: str) -> None:
    """Every parameter that this host's API has arrives; every other is named as lost."""
    heard = client.ask(place.model(scene), Ask(more=client.parameters))
    arrived = msgspec.json.decode(heard.text)
    losses = client.headers.get("hortus-losses", "")
    for name, value in _flat(client.parameters).items():
        ours = NAMES.get(name, name)
        if ours in PARAMETERS[place.host]:
            assert arrived.get(ours) == value, name
        else:
            assert ours not in arrived
            assert _plain(name) in {_plain(path) for path in re.split("[.:,/ ]", losses)}, f"{name} was lost in silence"


def _plain(name: str) -> str:
    return name.replace("_", "").lower()


def _flat(parameters: dict[str, Any]) -> dict[str, Any]:
    found = {name: value for name, value in parameters.items() if name not in _NESTED}
    for name in _NESTED:
        found |= parameters.get(name, {})
    return found


def carries_turns(client: Any, place: Place, scene: str) -> None:
    """Instructions and earlier turns arrive in order and apart."""
    model = place.model(scene)
    first = client.ask(model, Ask(system="Be brief. „Kurz“"))
    second = client.ask(model, Ask(system="Be brief. „Kurz“", history=first.turn, then="And now?"))
    heard = msgspec.json.decode(second.text)
    assert heard["system"] == "Be brief. „Kurz“"
    assert [text for _, text in heard["turns"]] == [Ask().text, first.text, "And now?"]


def fails_with(status: int, *, streamed: bool = False) -> Callable[..., None]:
    """The SDK raises the class that its users catch."""

    def check(client: Any, place: Place, scene: str) -> None:
        wanted = DIRECT.get((place.host, status), status) if place.is_direct else 502 if status in OURS else status
        with pytest.raises(client.raised(wanted)) as caught:
            (client.stream if streamed else client.ask)(place.model(scene), Ask())
        assert wanted >= 500 or client.status_of(caught.value) == wanted
        is_google_to_google = client.dialect == place.host == "gemini"  # says it in the body, where its SDK looks
        if status == 429 and not is_google_to_google and place.host not in NO_WORD_OF_WHEN:
            assert client.headers.get("retry-after") == "7"

    return check


DIRECT = {
    ("gemini", 401): 400,
    ("gemini", 529): 503,
    ("openai_chat", 529): 503,
    ("openai_responses", 529): 503,
    ("mistral", 529): 503,
    ("cohere_v2", 529): 503,
    ("bedrock_converse", 401): 403,
    ("bedrock_converse", 529): 503,
}
"""What makers answer where others have another status: Google and Amazon to a wrong key; 529 is Anthropic's own."""

NO_WORD_OF_WHEN = frozenset({"bedrock_converse"})
"""Hosts that never say when to come back."""


def breaks(client: Any, place: Place, scene: str) -> None:
    """A stream that fails raises; it never looks like a short answer."""
    plain = (httpx2.RemoteProtocolError,) if place.is_direct else ()  # some SDKs do not dress this one up
    with pytest.raises((*client.broken(), *plain)):
        client.stream(place.model(scene), Ask())


def counts_ahead(client: Any, place: Place, scene: str) -> None:
    """Tokens are counted without an answer."""
    assert client.count(place.model(scene)) == 14


def embeds(client: Any, place: Place, scene: str) -> None:
    """Vectors come back in order."""
    assert client.embed(place.model(scene), ["one", "three"]) == [[3.0, 0.5], [5.0, 0.5]]


FEATURES: tuple[Feature, ...] = (
    Feature("text", "text", says(TEXT)),
    Feature("text, streamed", "text", says(TEXT, streamed=True)),
    Feature("instructions and turns", "echo-turns", carries_turns),
    Feature("parameters", "echo-params", carries_parameters),
    Feature("one tool", "tools-single", calls_tools(names=("find_lamp",))),
    Feature("one tool, streamed", "tools-single", calls_tools(streamed=True, names=("find_lamp",))),
    Feature("parallel tools", "tools-parallel", calls_tools()),
    Feature("parallel tools, streamed", "tools-parallel", calls_tools(streamed=True)),
    Feature("tool results", "tool-results", gives_results),
    Feature("tool loop", "tool-loop", loops(names=("find_lamp",))),
    Feature("tool loop, streamed", "tool-loop", loops(streamed=True, names=("find_lamp",))),
    Feature("tool loop, parallel", "tool-loop-parallel", loops()),
    Feature("tool loop, parallel, streamed", "tool-loop-parallel", loops(streamed=True)),
    Feature("tool loop, documented members only", "tool-loop-parallel", loops(by_hand=True)),
    Feature("tool loop, second turn at another worker", "tool-loop-parallel", loops_elsewhere),
    Feature("picture as bytes", "image", sees_bytes),
    Feature("picture by address", "image", sees_address, "picture-url"),
    Feature("structured output", "structured", structured()),
    Feature("structured output, streamed", "structured", structured(streamed=True)),
    Feature("reasoning", "reasoning", reasons()),
    Feature("reasoning, streamed", "reasoning", reasons(streamed=True)),
    Feature("output limit", "stop-length", says("The lamp in fro", stop="length")),
    Feature("output limit, streamed", "stop-length", says("The lamp in fro", stop="length", streamed=True)),
    Feature("stop sequence", "stop-sequence", stops_at, "stop-sequence"),
    Feature("refusal", "refusal", refuses, "refusal"),
    Feature("content filter", "content-filter", is_filtered, "content-filter"),
    Feature("usage", "cached-usage", counts()),
    Feature("usage, streamed", "cached-usage", counts(streamed=True)),
    Feature("token counting", "text", counts_ahead, "count-tokens"),
    Feature("embeddings", "text", embeds, "embeddings"),
    *(
        Feature(f"error {status}", f"error,status={status},retry_after=7", fails_with(status))
        for status in (400, 401, 403, 404, 413, 429, 500, 529)
    ),
    Feature("error 429, streamed", "error,status=429,retry_after=7", fails_with(429, streamed=True)),
    Feature("error labelled as a stream", "mislabelled-error,status=404", fails_with(404, streamed=True)),
    Feature("error inside a stream", "error-in-stream", breaks),
    Feature("stream that breaks off", "cuts-later", breaks),
    Feature("stream with a wrong label", "wrong-content-type", says_in_spite_of("labels")),
    Feature("stream without its end mark", "no-done", says(TEXT, streamed=True)),
    Feature("chunks without choices", "empty-choices", says(TEXT, streamed=True)),
    Feature("comments in a stream", "comments", says_in_spite_of("comments")),
    Feature("padding members", "obfuscation", says(TEXT, streamed=True)),
)
