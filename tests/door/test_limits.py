"""Limits and budgets as clients meet them: refused before anything is sent, in their dialect, with what would fit."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any

import anthropic
import httpx2
import msgspec
import openai
import pytest
from google import genai

from garden import Hortus, wait_for
from hortus.testkit.replay_host import ReplayHost

pytestmark = pytest.mark.slow

_FIGURES = "input_per_million = 1000000, output_per_million = 1000000, fixed_input_tokens = 1"
PRICE = f'{{ currency = "EUR", since = 2026-01-01, {_FIGURES} }}'
"""A token costs one euro: what is spent can be counted on fingers."""

ENDPOINTS = {
    "plain": "fake:chunks=3",
    "long": "fake:chunks=60,delay_ms=20",
    "failing": "fake:status=500",
    "host-says-429": "fake:status=429",
}
LIMITS = {
    "poor": 'money = 500\ncurrency = "EUR"\nper = "total"',
    "poor-too": 'money = 500\ncurrency = "EUR"\nper = "month"\ntimezone = "Europe/Berlin"',
    "shared": 'money = 300\ncurrency = "EUR"\nper = "total"',
    "abroad": 'money = 500\ncurrency = "SEK"\nper = "total"',
    "changer": 'money = 500\ncurrency = "USD"\nper = "total"',
    "soft": 'money = 5\ncurrency = "EUR"\nper = "fiscal_year"\nyear_starts_in = 4\nkind = "soft"',
    "busy": "concurrent_requests = 1",
    "quick": "requests_per_minute = 3",
    "wordy": "tokens_per_minute = 400",
}


def _toml(base_url: str) -> str:
    text = "[settings]\nseedling = false\nworkers = 2\n"
    for name, limit in LIMITS.items():
        text += f'[[project]]\nname = "{name}"\nroutes = ["*"]\n'
        text += f'[[limit]]\nname = "{name}"\nproject = "{name}"\n{limit}\n'
    for name, model in ENDPOINTS.items():
        text += _endpoint(name, model, base_url) + f"price = {PRICE}\n" + _route(name, name)
    text += _endpoint("unpriced", "fake", base_url) + _route("unpriced", "unpriced")
    text += _route("capped", "plain") + "output_cap = 5\n"
    text += _route("after-failure", "failing", "plain")
    return text + _rate("USD", "2026-01-01") + _rate("SEK", "2099-01-01")


def _rate(currency: str, since: str) -> str:
    return f'[[rate]]\nfrom = "EUR"\nto = "{currency}"\nfactor = 2\nsince = {since}\nsource = "contract"\n'


def _endpoint(name: str, model: str, base_url: str) -> str:
    lines = (f'name = "{name}"', f'model = "{name}"', f'upstream_model = "{model}"', 'host = "openai-compatible"')
    return "\n".join(
        (
            "[[endpoint]]",
            *lines,
            f'base_url = "{base_url}"',
            "private_address = true",
            'credential = "env:REPLAY_KEY"',
            "",
        )
    )


def _route(name: str, *endpoints: str) -> str:
    named = ", ".join(f'"{one}"' for one in endpoints)
    return f'[[route]]\nname = "{name}"\nendpoints = [{named}]\n'


@pytest.fixture(scope="module")
def hortus(start_hortus: Any, replay_host: ReplayHost) -> Hortus:
    return start_hortus(toml=_toml(replay_host.base_url), environment={"REPLAY_KEY": "sk-replay"})


def _ask(hortus: Hortus, key: str, *, model: str = "plain", headers: dict[str, str] | None = None, **more: Any) -> Any:
    body = {"model": model, "messages": [{"role": "user", "content": "hi"}]} | more
    return httpx2.post(
        f"{hortus.door}/v1/chat/completions",
        json=body,
        headers={"authorization": f"Bearer {key}"} | (headers or {}),
        timeout=30,
    )


def _receipt(hortus: Hortus, answer: Any) -> Any:
    name = answer.headers["hortus-receipt"]

    def find() -> str | None:
        done = hortus.cli("receipts", name, "--json", check=False)
        return done.stdout if done.returncode == 0 else None

    return msgspec.json.decode(wait_for(find, what="the receipt"))


def _fit(answer: Any) -> int:
    assert answer.status_code == 429, answer.text
    message: str = answer.json()["error"]["message"]
    return int(message.partition("A limit of ")[2].partition(" ")[0])


def test_a_budget_refuses_what_may_cost_more_than_is_left_and_says_what_fits(hortus: Hortus) -> None:
    key = hortus.new_key("poor")
    refused = _ask(hortus, key, max_tokens=999)  # as many digits as what fits: they count, too
    assert refused.json()["error"]["code"] == refused.json()["error"]["type"] == "insufficient_quota"
    assert refused.headers["x-should-retry"] == "false"
    assert _ask(hortus, key, max_tokens=_fit(refused) + 1).status_code == 429
    done = _ask(hortus, key, max_tokens=_fit(refused))
    assert done.status_code == 200, done.text
    receipt = _receipt(hortus, done)
    attempt = receipt["attempts"][0]
    assert Decimal(attempt["charges"][0]["amount"]) == Decimal(receipt["cost"]) == 10  # seven tokens in, three out
    assert Decimal(attempt["holds"][0]["amount"]) == 500
    assert _fit(_ask(hortus, key, max_tokens=999)) == _fit(refused) - 10


def test_each_official_sdk_raises_its_own_class_for_a_budget(hortus: Hortus) -> None:
    key = hortus.new_key("poor-too")
    chat: Any = {"model": "plain", "max_tokens": 1000, "messages": [{"role": "user", "content": "hi"}]}
    with openai.OpenAI(base_url=f"{hortus.door}/v1", api_key=key) as one, pytest.raises(openai.RateLimitError) as said:
        one.chat.completions.create(**chat)
    assert said.value.code == "insufficient_quota"
    assert int(said.value.response.headers["retry-after"]) > 0  # until the month is over
    two = anthropic.Anthropic(base_url=f"{hortus.door}/anthropic", api_key=key)
    with two, pytest.raises(anthropic.RateLimitError) as told:
        two.messages.create(**chat)
    assert told.value.body["error"]["details"] == {"error_code": "enforced_spend_limit_reached"}
    three = genai.Client(api_key=key, http_options={"base_url": f"{hortus.door}/gemini"})
    with three, pytest.raises(genai.errors.ClientError) as heard:
        three.models.generate_content(model="plain", contents="hi", config={"max_output_tokens": 1000})
    assert (heard.value.code, heard.value.status) == (429, "RESOURCE_EXHAUSTED")


def test_no_crowd_of_requests_at_two_workers_spends_more_than_the_budget(hortus: Hortus) -> None:
    key = hortus.new_key("shared")

    def ask(_: int) -> Any:
        return _ask(hortus, key, max_tokens=20)

    with ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(ask, range(80)))
    done = [answer for answer in answers if answer.status_code == 200]
    assert {answer.status_code for answer in answers} == {200, 429}
    # What is left when nothing runs any more is less than one more request may cost: no lease is stuck at a worker
    left = _fit(_ask(hortus, key, max_tokens=1000))
    assert 10 * len(done) <= 300
    assert left < 20
    while left >= 3:
        assert _ask(hortus, key, max_tokens=left).status_code == 200
        left -= 10


def test_a_streams_cost_is_charged_when_it_ends_and_a_cancelled_ones_too(hortus: Hortus) -> None:
    key = hortus.new_key("soft")
    headers = {"authorization": f"Bearer {key}"}
    body = {"model": "long", "stream": True, "messages": [{"role": "user", "content": "hi"}]}
    with httpx2.stream("POST", f"{hortus.door}/v1/chat/completions", json=body, headers=headers) as answer:
        for _ in zip(range(4), answer.iter_lines(), strict=False):
            pass
    receipt = _receipt(hortus, answer)
    assert receipt["status"] == "cancelled"
    assert receipt["usage"]["is_estimated"]
    charged = Decimal(receipt["attempts"][0]["charges"][0]["amount"])
    assert 0 < charged < 100


def test_a_soft_budget_refuses_nobody_and_tells(hortus: Hortus) -> None:
    key = hortus.new_key("soft")
    assert all(_ask(hortus, key).status_code == 200 for _ in range(3))

    def alerts() -> list[Any]:
        lines = [one for one in hortus.log_path.read_bytes().splitlines() if b"alert" in one]
        return [one for one in map(msgspec.json.decode, lines) if one["limit"].startswith("soft")]

    assert wait_for(alerts, what="the alert")[-1]["percent"] == 100


def test_a_host_that_fails_costs_nothing_and_the_next_endpoint_is_paid(hortus: Hortus) -> None:
    receipt = _receipt(hortus, _ask(hortus, hortus.new_key("changer"), model="after-failure", max_tokens=20))
    first, second = receipt["attempts"]
    assert (Decimal(first["cost"]), Decimal(second["cost"])) == (0, 10)
    assert [Decimal(one["charges"][0]["amount"]) for one in (first, second)] == [0, 20]  # two dollars a euro
    assert second["rates"]


def test_a_price_that_cannot_be_reckoned_in_the_budgets_currency_is_refused(hortus: Hortus) -> None:
    refused = _ask(hortus, hortus.new_key("abroad"), max_tokens=5)
    assert refused.status_code == 403
    assert "no rate to SEK" in refused.json()["error"]["message"]


@pytest.mark.parametrize(
    ("model", "more", "names"),
    [
        ("unpriced", {"max_tokens": 5}, "price"),
        ("plain", {}, "output_cap"),
        ("plain", {"max_tokens": 5, "web_search_options": {"search_context_size": "low"}}, "search"),
        (
            "plain",
            {"max_tokens": 5, "messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {}}]}]},
            "image_tokens",
        ),
    ],
)
def test_what_has_no_bound_is_refused_under_a_hard_budget(
    hortus: Hortus, model: str, more: dict[str, Any], names: str
) -> None:
    refused = _ask(hortus, hortus.new_key("poor-too"), model=model, **more)
    assert (refused.status_code, refused.json()["error"]["code"]) == (403, "no_cost_bound")
    assert names in refused.json()["error"]["message"]


def test_a_routes_output_cap_bounds_what_the_client_left_open(hortus: Hortus, replay_host: ReplayHost) -> None:
    done = _ask(hortus, hortus.new_key("changer"), model="capped")
    assert done.status_code == 200, done.text
    assert replay_host.seen[-1].json["max_completion_tokens"] == 5
    assert "output_cap=5" in _receipt(hortus, done)["attempts"][0]["adaptations"]


def test_requests_at_the_same_time_are_counted_over_all_workers(hortus: Hortus) -> None:
    key = hortus.new_key("busy")
    headers = {"authorization": f"Bearer {key}"}
    body = {"model": "long", "stream": True, "messages": [{"role": "user", "content": "hi"}]}
    with httpx2.stream("POST", f"{hortus.door}/v1/chat/completions", json=body, headers=headers, timeout=30) as answer:
        lines = answer.iter_lines()
        next(lines)
        refused = [_ask(hortus, key) for _ in range(6)]
        assert {one.status_code for one in refused} == {429}
        assert refused[0].headers["retry-after"] == "1"
        assert refused[0].json()["error"]["code"] == "rate_limit_exceeded"
        for _ in lines:
            pass
    assert wait_for(lambda: _ask(hortus, key).status_code == 200, what="the free place")


def test_requests_of_a_minute_are_counted_over_all_workers(hortus: Hortus) -> None:
    key = hortus.new_key("quick")

    def burst() -> list[Any] | None:
        """All within one minute by the receipts: a burst may meet the minute's end."""
        answers = [_ask(hortus, key) for _ in range(8)]
        refused = [answer for answer in answers if answer.status_code == 429]
        return answers if len(refused) >= 5 else None

    answers = wait_for(burst, within_s=90, what="a burst within one minute")
    refused = next(answer for answer in answers if answer.status_code == 429)
    assert 1 <= int(refused.headers["retry-after"]) <= 60
    assert "3 requests a minute" in refused.json()["error"]["message"]


def test_tokens_of_a_minute_are_reserved_by_their_bound(hortus: Hortus) -> None:
    refused = _ask(hortus, hortus.new_key("wordy"), max_tokens=1000)
    assert refused.json()["error"]["code"] == "rate_limit_exceeded"
    assert 0 < _fit(refused) < 400
    assert _ask(hortus, hortus.new_key("wordy"), max_tokens=10).status_code == 200


def test_a_key_of_idempotency_lets_one_request_through(hortus: Hortus) -> None:
    key, mark = hortus.new_key("soft"), {"idempotency-key": "order-1"}
    first = _ask(hortus, key, headers=mark)
    again = _ask(hortus, key, headers=mark)
    assert (first.status_code, again.status_code) == (200, 409)
    assert first.headers["hortus-receipt"] in again.json()["error"]["message"]
    assert again.json()["error"]["code"] == "idempotent_request_done"
    assert again.headers["x-should-retry"] == "false"
    assert _ask(hortus, hortus.new_key("poor-too"), headers=mark, max_tokens=5).status_code == 200


def test_the_same_request_twice_at_once_runs_once(hortus: Hortus) -> None:
    key = hortus.new_key("soft")
    with ThreadPoolExecutor(8) as pool:
        answers = list(
            pool.map(lambda _: _ask(hortus, key, model="long", headers={"idempotency-key": "twin"}), range(8))
        )
    assert sorted(answer.status_code for answer in answers) == [200] + [409] * 7
    codes = {answer.json()["error"]["code"] for answer in answers if answer.status_code == 409}
    assert codes <= {"idempotent_request_running", "idempotent_request_done"}


def test_a_request_that_failed_may_run_again(hortus: Hortus) -> None:
    key, mark = hortus.new_key("soft"), {"idempotency-key": "unlucky"}
    assert _ask(hortus, key, model="failing", headers=mark).status_code == 500
    assert _ask(hortus, key, headers=mark).status_code == 200


def test_a_key_of_idempotency_that_cannot_be_one_is_refused(hortus: Hortus) -> None:
    refused = _ask(hortus, hortus.new_key("soft"), headers={"idempotency-key": "x" * 300})
    assert refused.status_code == 400
    assert refused.json()["error"]["param"] == "Idempotency-Key"


def test_figures_of_limits_are_in_the_metrics(hortus: Hortus) -> None:
    key = hortus.new_key("soft")
    assert _ask(hortus, key).status_code == 200
    assert _ask(hortus, hortus.new_key("poor-too"), max_tokens=1000).status_code == 429

    def read() -> str | None:
        text = httpx2.get(f"{hortus.admin.removesuffix('/admin/v1')}/metrics").text
        wanted = (
            'hortus_budget_spent_ratio{limit="soft"}',
            'hortus_limit_refusals_total{measure="money"}',
            'hortus_lease_asks_total{outcome="short"}',
        )
        return text if all(one in text for one in wanted) else None

    assert "hortus_lease_wait_seconds" in wait_for(read, what="the figures")


def test_a_receipt_proves_what_was_sent_and_what_was_answered(hortus: Hortus) -> None:
    body = msgspec.json.encode({"model": "plain", "messages": [{"role": "user", "content": "hi"}]})
    headers = {"authorization": f"Bearer {hortus.new_key('soft')}", "content-type": "application/json"}
    answer = httpx2.post(f"{hortus.door}/v1/chat/completions", content=body, headers=headers)
    _receipt(hortus, answer)
    name = answer.headers["hortus-receipt"]
    for content, code in ((body, 0), (answer.content, 0), (body + b" ", 1)):
        (hortus.directory / "content").write_bytes(content)
        assert hortus.cli("receipts", "check-content", name, "content", check=False).returncode == code
