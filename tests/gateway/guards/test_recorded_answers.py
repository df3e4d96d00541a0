"""What hosts really answered passes a mask unchanged where it holds no placeholder of the request."""

from __future__ import annotations

import pytest

from exchanges import Exchange, own_exchanges, shared_exchanges
from gateway.guards.marking import Marks, new_mask
from hortus.canon.collect import collect
from hortus.canon.events import ChoiceEnded, Event
from hortus.canon.nodes import bare
from hortus.canon.request import Request
from hortus.gateway.guards.restoring import Restorer
from proof_of_dialects import NAMES, TRANSLATIONS

SAID = "DE89 3704 0044 05 anna@town.example tax number 12345678901 Anna Smith sk-abc1"


def answers(host: str, *, framed: bool) -> list[Exchange]:
    every = (*own_exchanges(), *shared_exchanges())
    chats = (one for one in every if one.operation == "chat" and one.dialect == host and one.status < 400)
    return [one for one in chats if one.is_framed == framed]


def restorer(host: str) -> Restorer:
    mask = new_mask()
    mask.hide(SAID, Marks().find(SAID))
    return Restorer(mask, Request(model="garden", messages=()), source=TRANSLATIONS[host].vocabulary)


def without_tokens(event: Event) -> Event:
    return (
        ChoiceEnded(event.choice, event.stop, event.stop_sequence, None, event.extras)
        if isinstance(event, ChoiceEnded)
        else event
    )


@pytest.mark.parametrize("host", NAMES)
def test_recorded_streams_say_the_same(host: str) -> None:
    for one in answers(host, framed=True):
        reader = TRANSLATIONS[host].chat.open_reader()
        events = reader.feed(one.answer) + reader.close()
        restoring = restorer(host)
        restored = [event for before in events for event in restoring.restore_event(before)]
        assert collect(restored) == collect(map(without_tokens, events)), one.id


@pytest.mark.parametrize("host", NAMES)
def test_recorded_answers_say_the_same(host: str) -> None:
    for one in answers(host, framed=False):
        response = TRANSLATIONS[host].chat.read_response(one.answer)
        restored = restorer(host).restore_response(response)
        if all(choice.logprobs is None for choice in response.choices):
            assert restored == response, one.id
        else:
            assert bare(restored).model == response.model
