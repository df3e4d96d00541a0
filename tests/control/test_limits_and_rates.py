"""Limits, budgets and rates through the admin API: what is taken, refused, kept and shown."""

from __future__ import annotations

from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from control_ground import SECRET, Control, running_control

from hortus.base.secrets import KEY_PREFIX, digest_key
from hortus.catalog.pricerows import ContractPrice, Variant
from hortus.control.endpointforms import PriceForm, VariantForm

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def refusing(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Control]:
    """A control that only refuses, so that one serves every case."""
    async with running_control(tmp_path_factory.mktemp("control")) as control:
        for project in ("library", "museum"):
            await control.ask("POST", "/keys", {"project": project, "name": "laptop"})
        yield control


BUDGET = {"name": "team-a", "project": "default", "money": "500", "currency": "EUR", "per": "month"}
RATE = {"name": "rate-a", "project": "default", "requests_per_minute": 60}


def _without(body: dict[str, Any], name: str) -> dict[str, Any]:
    return {member: value for member, value in body.items() if member != name}


async def new_key(control: Control, project: str = "default", name: str = "laptop") -> tuple[str, str]:
    made = await control.ask("POST", "/keys", {"project": project, "name": name})
    return made["id"], digest_key(made["key"], SECRET)


def bound(control: Control, digest: str) -> set[str]:
    grant = control.plane.ports.access.grant(digest)
    return {limit.name for limit in grant.limits}


async def test_a_budget_is_shown_with_its_period_and_nothing_spent(tmp_path: Path) -> None:
    async with running_control(tmp_path) as control:
        made = await control.ask("POST", "/limits", {**BUDGET, "timezone": "Europe/Berlin"})
        assert (made["scope"], made["money"], made["currency"], made["kind"]) == ("project", "500", "EUR", "hard")
        standing = made["standing"]
        assert (standing["spent"], standing["leased"], standing["left"]) == ("0", "0", "500")
        assert standing["pool"] == f"{made['id']}@{standing['start_ms']}"
        assert standing["start_ms"] <= control.plane.ports.clock.now_ms() < standing["end_ms"]
        assert made["state"] == "fine"
        assert await control.ask("GET", "/limits/team-a") == made
        assert await control.ask("GET", "/limits") == {"limits": [made]}


@pytest.mark.parametrize("written", ["0.1", "123456789012345.123456789012345678", "0.10", "0", 7])
async def test_an_amount_is_kept_to_the_last_digit(tmp_path: Path, written: str | int) -> None:
    async with running_control(tmp_path) as control:
        made = await control.ask("POST", "/limits", {**BUDGET, "money": written})
        assert Decimal(made["money"]) == Decimal(written)
        (limit,) = control.plane.ports.access.grant((await new_key(control))[1]).limits
        assert limit.amount == Decimal(written)


async def test_an_amount_of_the_file_is_read_exactly_though_toml_has_floats(tmp_path: Path) -> None:
    text = '[[limit]]\nname = "b"\nmoney = 0.1234567890123456789\ncurrency = "EUR"\nper = "day"\n'
    async with running_control(tmp_path, toml=text.replace("6789\n", "678\n")) as control:
        assert (await control.ask("GET", "/limits/b"))["money"] == "0.123456789012345678"
        control.write_file(text.replace("0.1234567890123456789", "0.1"))
        assert (await control.ask("GET", "/limits/b"))["money"] == "0.1"
        control.write_file(text.replace("0.1234567890123456789", "1e3"))
        assert (await control.ask("GET", "/limits/b"))["money"] == "1000"


async def test_a_limit_binds_the_keys_of_its_scope_only(tmp_path: Path) -> None:
    async with running_control(tmp_path) as control:
        first, other = await new_key(control), await new_key(control, "museum")
        await control.ask("POST", "/limits", {"name": "all", "concurrent_requests": 3})
        await control.ask("POST", "/limits", RATE)
        await control.ask("POST", "/limits", {"name": "own", "key": first[0], "tokens_per_minute": 5})
        assert bound(control, first[1]) == {"all", "rate-a", "own"}
        assert bound(control, other[1]) == {"all"}


async def test_every_change_of_a_limit_is_announced_to_whoever_holds_grants(tmp_path: Path) -> None:
    async with running_control(tmp_path) as control:
        access = control.plane.ports.access
        seen = [access.access_version()]
        await control.ask("POST", "/limits", RATE)
        seen.append(access.access_version())
        await control.ask("PUT", "/limits/rate-a", {"project": "default", "requests_per_minute": 61})
        seen.append(access.access_version())
        await control.ask("DELETE", "/limits/rate-a")
        seen.append(access.access_version())
        assert seen == sorted(set(seen))


async def test_another_amount_goes_on_with_what_was_spent_and_another_measure_begins_anew(tmp_path: Path) -> None:
    async with running_control(tmp_path) as control:
        first = await control.ask("POST", "/limits", BUDGET)
        more = await control.ask("PUT", "/limits/team-a", {**_without(BUDGET, "name"), "money": "900"})
        assert more["id"] == first["id"]
        other = await control.ask("PUT", "/limits/team-a", {**_without(BUDGET, "name"), "currency": "USD"})
        assert other["id"] != first["id"]
        zoned = await control.ask("PUT", "/limits/team-a", {**_without(BUDGET, "name"), "timezone": "Asia/Tokyo"})
        assert zoned["id"] not in {first["id"], other["id"]}


async def test_a_retired_limit_binds_nobody_and_comes_back_as_it_was(tmp_path: Path) -> None:
    async with running_control(tmp_path) as control:
        _, digest = await new_key(control)
        made = await control.ask("POST", "/limits", BUDGET)
        gone = await control.ask("DELETE", "/limits/team-a")
        assert (gone["state"], gone["standing"]) == ("retired", None)
        assert bound(control, digest) == set()
        assert (await control.ask("GET", "/limits"))["limits"] == []
        assert len((await control.ask("GET", "/limits?include_retired=true"))["limits"]) == 1
        back = await control.ask("POST", "/limits", BUDGET)
        assert (back["id"], back["state"]) == (made["id"], "fine")
        assert bound(control, digest) == {"team-a"}


async def test_limits_are_listed_by_what_they_measure_and_whom_they_bind(tmp_path: Path) -> None:
    async with running_control(tmp_path) as control:
        key, _ = await new_key(control, "museum")
        await control.ask("POST", "/limits", BUDGET)
        await control.ask("POST", "/limits", RATE)
        await control.ask("POST", "/limits", {"name": "of-a-key", "key": key, "tokens_per_minute": 5})

        async def names(query: str) -> list[str]:
            return [one["name"] for one in (await control.ask("GET", f"/limits?{query}"))["limits"]]

        assert await names("budgets=true") == ["team-a"]
        assert await names("budgets=false") == ["of-a-key", "rate-a"]
        assert await names("project=museum") == ["of-a-key"]


async def test_a_limit_of_zero_is_used_up_from_the_start(tmp_path: Path) -> None:
    async with running_control(tmp_path) as control:
        assert (await control.ask("POST", "/limits", {**BUDGET, "money": "0"}))["state"] == "over"


async def test_a_key_may_be_named_and_is_kept_by_its_id(tmp_path: Path) -> None:
    async with running_control(tmp_path) as control:
        key, _ = await new_key(control, name="till")
        made = await control.ask("POST", "/limits", {"name": "own", "key": "till", "requests_per_minute": 1})
        assert (made["key"], made["key_name"], made["project"]) == (key, "till", "default")


async def test_a_key_whose_name_is_given_again_keeps_its_limit(tmp_path: Path) -> None:
    text = '[[limit]]\nname = "own"\nkey = "till"\nrequests_per_minute = 1\n'
    async with running_control(tmp_path) as control:
        key, _ = await new_key(control, name="till")
        control.write_file(text)
        await new_key(control, name="till")
        control.write_file(text + "# and a comment\n")
        assert (await control.ask("GET", "/status"))["file"]["state"] == "applied"
        assert (await control.ask("GET", "/limits/own"))["key"] == key


async def test_a_key_that_is_revoked_does_not_make_its_file_wrong(tmp_path: Path) -> None:
    text = '[[limit]]\nname = "own"\nkey = "till"\nrequests_per_minute = 1\n'
    async with running_control(tmp_path) as control:
        key, _ = await new_key(control, name="till")
        control.write_file(text)
        await control.ask("DELETE", f"/keys/{key}")
        control.write_file(text + "# and a comment\n")
        assert (await control.ask("GET", "/status"))["file"]["state"] == "applied"


REFUSED: dict[str, tuple[dict[str, Any], str, str]] = {
    "nothing bounded": ({"name": "x"}, "name", "Set one of: requests_per_minute"),
    "two measures": ({**RATE, "tokens_per_minute": 1}, "tokens_per_minute", "one measure"),
    "project and key": ({**RATE, "key": "laptop"}, "key", "not both"),
    "unknown project": ({**RATE, "project": "defualt"}, "project", "Did you mean `default`?"),
    "unknown key": ({"name": "x", "key": "lapptop", "requests_per_minute": 1}, "key", "Did you mean `laptop`?"),
    "unknown key's id": ({"name": "x", "key": "key_01", "requests_per_minute": 1}, "key", "no key `key_01`"),
    "two keys of that name": ({"name": "x", "key": "laptop", "requests_per_minute": 1}, "key", "(project museum)"),
    "less than nothing": ({**RATE, "requests_per_minute": -1}, "requests_per_minute", "out of bounds"),
    "half a request": ({**RATE, "requests_per_minute": 1.5}, "requests_per_minute", "integer"),
    "an amount that is a fraction of JSON": ({**BUDGET, "money": 0.1}, "money", "as a text"),
    "an amount that is no number": ({**BUDGET, "money": "NaN"}, "money", "finite"),
    "an amount below nothing": ({**BUDGET, "money": "-1"}, "money", "out of bounds"),
    "an amount beyond everything": ({**BUDGET, "money": "1e400"}, "money", "out of bounds"),
    "an amount too fine": ({**BUDGET, "money": "1e-19"}, "money", "out of bounds"),
    "a currency without a rate": ({**BUDGET, "currency": "XTS"}, "currency", "Declare a [[rate]]"),
    "a currency in small letters": ({**BUDGET, "currency": "eur"}, "currency", "three capitals"),
    "an unknown period": ({**BUDGET, "per": "week"}, "per", "fiscal_year"),
    "a period without money": ({**RATE, "per": "day"}, "per", "Leave it out"),
    "an abbreviation of summer time": ({**BUDGET, "timezone": "CEST"}, "timezone", "no time zone `CEST`"),
    "a zone in small letters": ({**BUDGET, "timezone": "europe/berlin"}, "timezone", "Did you mean `Europe/Berlin`?"),
    "this machine's own zone": ({**BUDGET, "timezone": "localtime"}, "timezone", "no time zone"),
    "a zone that is a path": ({**BUDGET, "timezone": "../../etc/passwd"}, "timezone", "no time zone"),
    "a zone for minutes": ({**RATE, "timezone": "Europe/Berlin"}, "timezone", "Leave it out"),
    "a zone for ever": ({**BUDGET, "per": "total", "timezone": "Europe/Berlin"}, "timezone", "Leave it out"),
    "a year for months": ({**BUDGET, "year_starts_in": 4}, "year_starts_in", "fiscal_year"),
    "a thirteenth month": ({**BUDGET, "per": "fiscal_year", "year_starts_in": 13}, "year_starts_in", "1 (January)"),
    "an alert at nothing": ({**BUDGET, "alert_at": [50, 0]}, "alert_at[1]", "out of bounds"),
    "an alert twice": ({**BUDGET, "alert_at": [50, 50]}, "alert_at[1]", "twice"),
    "a name with a space": ({**BUDGET, "name": "team a"}, "name", "cannot be a name"),
    "a kind that is none": ({**BUDGET, "kind": "firm"}, "kind", "hard"),
    "an unknown member": ({**BUDGET, "monye": "1"}, "monye", ""),
}


@pytest.mark.parametrize("case", REFUSED)
async def test_what_cannot_be_is_refused_with_its_path(refusing: Control, case: str) -> None:
    body, path, words = REFUSED[case]
    status, error = await refusing.fail("POST", "/limits", body)
    assert (status, error["code"]) == (400, "invalid_request"), error
    assert path in (error["path"] or "")
    assert words in f"{error['message']} {error['hint']}"


async def test_an_amount_without_currency_and_period_is_told_both(refusing: Control) -> None:
    _, error = await refusing.fail("POST", "/limits", {"name": "x", "money": "1"})
    assert "no currency" in error["message"]
    assert "no period" in error["message"]


async def test_a_key_that_is_sent_in_the_place_of_its_id_is_not_repeated(refusing: Control) -> None:
    secret = f"{KEY_PREFIX}hunter2"
    _, error = await refusing.fail("POST", "/limits", {"name": "x", "key": secret, "requests_per_minute": 1})
    assert error["path"] == "key"
    assert "hunter2" not in f"{error}"


async def test_the_newest_revoked_key_of_a_name_is_meant_where_none_works(tmp_path: Path) -> None:
    async with running_control(tmp_path) as control:
        keys = [(await new_key(control, name="till"))[0] for _ in range(2)]
        for key in keys:
            await control.ask("DELETE", f"/keys/{key}")
        made = await control.ask("POST", "/limits", {"name": "own", "key": "till", "requests_per_minute": 1})
        assert made["key"] == keys[1]


async def test_a_name_that_is_taken_is_a_conflict(tmp_path: Path) -> None:
    async with running_control(tmp_path) as control:
        await control.ask("POST", "/limits", BUDGET)
        assert (await control.fail("POST", "/limits", BUDGET))[0] == 409
        await control.ask("POST", "/limits", {**BUDGET, "name": "seedling"})


async def test_what_is_not_there_is_neither_shown_nor_changed(refusing: Control) -> None:
    for method, body in (("GET", None), ("PUT", _without(RATE, "name")), ("DELETE", None)):
        assert (await refusing.fail(method, "/limits/none", body))[0] == 404


FILE = """\
[[project]]
name = "library"

[[limit]]
name = "books"
project = "library"
money = 500
currency = "EUR"
per = "fiscal_year"
year_starts_in = 4
timezone = "Europe/Berlin"
alert_at = [50, 90]

[[rate]]
from = "CHF"
to = "EUR"
factor = 1.0731
since = 2026-11-01
source = "treasury"
"""


async def test_a_limit_of_the_file_belongs_to_the_file(tmp_path: Path) -> None:
    async with running_control(tmp_path, toml=FILE) as control:
        shown = await control.ask("GET", "/limits/books")
        assert (shown["origin"], shown["where"], shown["alert_at"]) == ("file", "hortus.toml:5", [50, 90])
        body = {"project": "library", "requests_per_minute": 1}
        for method, path in (
            ("PUT", "/limits/books"),
            ("DELETE", "/limits/books"),
            ("DELETE", "/rates/CHF-EUR@2026-11-01"),
        ):
            status, error = await control.fail(method, path, body if method == "PUT" else None)
            assert (status, error["code"]) == (409, "declared_in_file")
            assert "hortus.toml:" in error["message"]
        assert (await control.fail("POST", "/limits", {**body, "name": "books"}))[1]["path"] == "hortus.toml:5"


async def test_a_limit_gone_from_the_file_is_retired_and_comes_back_with_it(tmp_path: Path) -> None:
    async with running_control(tmp_path, toml=FILE) as control:
        made = await control.ask("GET", "/limits/books")
        control.write_file("")
        assert (await control.ask("GET", "/limits/books"))["state"] == "retired"
        control.write_file(FILE)
        assert (await control.ask("GET", "/limits/books"))["id"] == made["id"]


async def test_a_name_of_the_api_in_the_file_is_an_error_that_names_both(tmp_path: Path) -> None:
    async with running_control(tmp_path) as control:
        await control.ask("POST", "/limits", {**BUDGET, "name": "books"})
        control.write_file(FILE)
        error = (await control.ask("GET", "/status"))["file"]["error"]
        assert error.startswith("hortus.toml:5 limit[0].name: ")
        assert "the limit was made through the API" in error


WRONG_IN_FILE = {
    "project": ('project = "archve"\nrequests_per_minute = 1\n', "hortus.toml:6 limit[0].project", "`archive`"),
    "key": ('key = "none"\nrequests_per_minute = 1\n', "hortus.toml:6 limit[0].key", "no key `none`"),
    "currency": (
        'money = 1\ncurrency = "XTS"\nper = "total"\n',
        "hortus.toml:7 limit[0].currency",
        "Declare a [[rate]]",
    ),
    "typo": ("requests_per_minuet = 1\n", "hortus.toml:6 limit[0].requests_per_minuet", "`requests_per_minute`"),
    "zone": (
        'money = 1\ncurrency = "EUR"\nper = "day"\ntimezone = "Europe/Berln"\n',
        "hortus.toml:9 limit[0].timezone",
        "Did you mean `Europe/Berlin`?",
    ),
    "period": (
        'money = 1\ncurrency = "EUR"\nper = "monht"\n',
        "hortus.toml:8 limit[0].per",
        "`monht` cannot be `per`. Did you mean `month`?",
    ),
    "half a request": ("requests_per_minute = 1.5\n", "hortus.toml:6 limit[0].requests_per_minute", "a whole number"),
    "true": ('money = true\ncurrency = "EUR"\nper = "day"\n', "hortus.toml:6 limit[0].money", "a number"),
    "infinite": ('money = inf\ncurrency = "EUR"\nper = "day"\n', "hortus.toml:6 limit[0].money", "out of bounds"),
}


@pytest.mark.parametrize("case", WRONG_IN_FILE)
async def test_the_file_is_refused_with_line_and_path(refusing: Control, case: str) -> None:
    body, place, words = WRONG_IN_FILE[case]
    text = f'[[project]]\nname = "archive"\n\n[[limit]]\nname = "x"\n{body}'
    status, error = await refusing.fail("POST", "/config/apply", {"toml": text, "dry_run": True})
    assert (status, error["path"]) == (400, place)
    assert words in f"{error['message']} {error['hint']}"


async def test_a_rate_of_the_file_makes_its_currency_known(tmp_path: Path) -> None:
    async with running_control(tmp_path, toml=FILE.replace('"EUR"\nper', '"CHF"\nper')) as control:
        assert (await control.ask("GET", "/limits/books"))["currency"] == "CHF"
        (rate,) = (await control.ask("GET", "/rates"))["rates"]
        assert (rate["from"], rate["to"], rate["factor"], rate["since"]) == ("CHF", "EUR", "1.0731", "2026-11-01")
        assert rate["name"] == "CHF-EUR@2026-11-01"


async def test_a_rate_comes_and_goes_through_the_api(tmp_path: Path) -> None:
    body = {"from": "CHF", "to": "EUR", "factor": "1.07", "since": "2026-11-01", "source": "treasury"}
    async with running_control(tmp_path) as control:
        made = await control.ask("POST", "/rates", body)
        assert {name: made[name] for name in body} == body
        assert (await control.fail("POST", "/rates", body))[0] == 409
        await control.ask("DELETE", f"/rates/{made['name']}")
        assert (await control.ask("GET", "/rates"))["rates"] == []


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"to": "CHF"}, "to"),
        ({"factor": "0"}, "factor"),
        ({"factor": 1.1}, "factor"),
        ({"from": "chf"}, "from"),
        ({"source": " "}, "source"),
        ({"since": "soon"}, "since"),
    ],
)
async def test_a_rate_that_cannot_be_is_refused(refusing: Control, change: dict[str, Any], path: str) -> None:
    body = {"from": "CHF", "to": "EUR", "factor": "1.07", "since": "2026-11-01", "source": "treasury", **change}
    status, error = await refusing.fail("POST", "/rates", body)
    assert status == 400
    assert path in error["path"]


async def test_a_routes_output_cap_is_in_the_snapshot(tmp_path: Path) -> None:
    text = '[[route]]\nname = "r"\nendpoints = ["seedling"]\noutput_cap = 512\n'
    async with running_control(tmp_path, toml=text) as control:
        assert control.snapshot().routes["r"].output_cap == 512
        made = await control.ask("POST", "/routes", {"name": "s", "endpoints": ["seedling"], "output_cap": 9})
        assert made["output_cap"] == 9
        assert (await control.fail("POST", "/routes", {"name": "t", "endpoints": ["seedling"], "output_cap": 0}))[
            0
        ] == 400


PRICED = """\
[[endpoint]]
name = "own"
model = "thing"
host = "any"
dialects = ["openai_chat"]
base_url = "http://127.0.0.1:9/v1"
private_address = true

[endpoint.price]
currency = "EUR"
since = 2026-01-01
input_per_million = 0.1
output_per_million = "0.30"
cached_input_per_million = 0.025
caps = { searches = 5 }
regions = { eu = 1.1 }

[[endpoint.price.variants]]
above_input_tokens = 200000
input_per_million = 0.2
output_per_million = 0.6
"""


async def test_an_endpoint_of_the_file_may_have_a_price_of_its_own(tmp_path: Path) -> None:
    async with running_control(tmp_path, toml=PRICED) as control:
        price = control.snapshot().endpoints["own"].price
        assert price is not None
        assert price.id.startswith("file/own/2026-01-01~")
        assert (price.input_per_million, price.cached_input_per_million) == (Decimal("0.1"), Decimal("0.025"))
        assert (price.caps, price.regions) == ({"searches": 5}, {"eu": Decimal("1.1")})
        assert price.variants[0].output_per_million == Decimal("0.6")
        shown = await control.ask("GET", "/endpoints/own")
        assert (shown["price"]["output_per_million"], shown["price_id"]) == ("0.30", price.id)


async def test_an_endpoints_own_price_comes_through_the_api_and_before_the_catalogs(tmp_path: Path) -> None:
    price = {"currency": "EUR", "since": "2026-01-01", "input_per_million": "0.1", "output_per_million": 1}
    body = {"name": "m", "model": "mistral-large-2512", "host": "mistral", "credential": "env:KEY"}
    async with running_control(tmp_path, environment={"KEY": "x"}) as control:
        catalogs = (await control.ask("POST", "/endpoints", body))["price_id"]
        own = (await control.ask("PUT", "/endpoints/m", {**_without(body, "name"), "price": price}))["price_id"]
        assert own.startswith("api/m/2026-01-01~")
        assert own != catalogs
        other = {**price, "input_per_million": "0.2"}
        changed = (await control.ask("PUT", "/endpoints/m", {**_without(body, "name"), "price": other}))["price_id"]
        assert changed not in {own, catalogs}
        later = {**price, "since": "2999-01-01"}
        kept = (await control.ask("PUT", "/endpoints/m", {**_without(body, "name"), "price": later}))["price_id"]
        assert kept == catalogs


WRONG_PRICES = {
    "a member that is none": ("input_per_milion = 1\n", "endpoint[0].price.input_per_milion", "`input_per_million`"),
    "nothing for output": ("input_per_million = 1\n", "endpoint[0].price.output_per_million", "is missing here"),
    "less than nothing": (
        "input_per_million = -1\noutput_per_million = 1\n",
        "endpoint[0].price.input_per_million",
        "out of bounds",
    ),
    "a cap that is none": (
        "input_per_million = 1\noutput_per_million = 1\ncaps = { serches = 1 }\n",
        "endpoint[0].price.caps",
        "serches",
    ),
}


@pytest.mark.parametrize("case", WRONG_PRICES)
async def test_a_price_that_cannot_be_is_refused_with_its_path(refusing: Control, case: str) -> None:
    lines, path, words = WRONG_PRICES[case]
    text = PRICED.partition("input_per_million")[0] + lines
    status, error = await refusing.fail("POST", "/config/apply", {"toml": text, "dry_run": True})
    assert status == 400
    assert error["path"].endswith(f" {path}")
    assert words in f"{error['message']} {error['hint']}"


async def test_a_price_through_the_api_is_no_fraction_of_json(refusing: Control) -> None:
    price = {"currency": "EUR", "since": "2026-01-01", "input_per_million": 0.1, "output_per_million": 1}
    body = {"name": "m", "model": "m", "host": "openai-compatible", "base_url": "http://x/v1", "price": price}
    status, error = await refusing.fail("POST", "/endpoints", body)
    assert status == 400
    assert "price.input_per_million" in error["path"]


async def test_the_api_takes_every_member_of_a_price() -> None:
    assert set(PriceForm.model_fields) == set(ContractPrice.__struct_fields__)
    assert set(VariantForm.model_fields) == set(Variant.__struct_fields__)


async def test_rates_of_the_organisation_are_in_the_snapshot_before_the_catalogs(tmp_path: Path) -> None:
    async with running_control(tmp_path, toml=FILE) as control:
        own, *others = control.snapshot().rates
        assert (own.id, own.factor, own.is_own) == ("own/CHF-EUR/2026-11-01/1.0731", Decimal("1.0731"), True)
        assert any((rate.from_currency, rate.to_currency) == ("EUR", "USD") for rate in others)
        assert not any(rate.is_own for rate in others)


async def test_status_names_the_budgets_that_are_used_up(tmp_path: Path) -> None:
    async with running_control(tmp_path) as control:
        await control.ask("POST", "/limits", BUDGET)
        await control.ask("POST", "/limits", {**BUDGET, "name": "none-left", "money": "0"})
        assert (await control.ask("GET", "/status"))["alerts"] == ["none-left"]
