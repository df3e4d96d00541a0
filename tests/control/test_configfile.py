from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hortus.base.addresses import read_networks
from hortus.base.errors import ConfigurationError
from hortus.catalog.loading import load_catalog
from hortus.control.configfile import read_config
from hortus.control.tomllines import Lines, format_path
from hortus.snapshot.declared import DeploymentSpec, EndpointSpec, ProjectSpec, RouteSpec

HOSTS = {name: load_catalog().host(name) for name in ("mistral", "openai", "openai-compatible", "azure", "vllm")}

GOOD = """\
[settings]
port = 8080

[[project]]
name = "library"
routes = ["eu/*"]

[[endpoint]]
name = "large"
model = "mistral-large-2512"
host = "mistral"
credential = "env:MISTRAL_API_KEY"
idle_timeout_s = 30

[[route]]
name = "eu/large"
endpoints = ["large"]

[[deployment]]
name = "desk"
source = "/models/desk.gguf"
"""

ENDPOINT = '[[endpoint]]\nname = "a"\nmodel = "m"\nhost = "mistral"\n'
ROUTE = '[[route]]\nname = "r"\nendpoints = ["a"]\n'


def an_endpoint(host: str, more: str) -> str:
    return f'[[endpoint]]\nname = "a"\nmodel = "m"\nhost = "{host}"\n{more}\n'


def refusal(text: str | bytes) -> ConfigurationError:
    data = text if isinstance(text, bytes) else text.encode()
    with pytest.raises(ConfigurationError) as caught:
        read_config(data, file="hortus.toml", hosts=HOSTS, today=date(2026, 11, 23))
    return caught.value


def test_reads_what_is_declared_with_its_lines() -> None:
    declared = read_config(GOOD.encode(), file="hortus.toml", hosts=HOSTS)
    assert [(item.kind, item.where) for item in declared.items] == [
        ("project", "hortus.toml:5"),
        ("endpoint", "hortus.toml:9"),
        ("route", "hortus.toml:16"),
        ("deployment", "hortus.toml:20"),
    ]
    assert [type(item.spec) for item in declared.items] == [ProjectSpec, EndpointSpec, RouteSpec, DeploymentSpec]
    assert declared.settings == {"port": 8080}
    assert declared.settings_lines == {"port": 2}


def test_an_empty_file_declares_nothing() -> None:
    assert read_config(b"", file="hortus.toml", hosts=HOSTS).items == ()


def test_a_byte_order_mark_and_windows_line_ends_are_read() -> None:
    data = b"\xef\xbb\xbf" + GOOD.replace("\n", "\r\n").encode()
    assert len(read_config(data, file="hortus.toml", hosts=HOSTS).items) == 4


WRONG = {
    "not TOML": ("[[endpoint]\n", "hortus.toml:1", "not TOML"),
    "key twice": ("a = 1\n[settings]\nport = 1\nport = 2\n", "hortus.toml:4", "not TOML"),
    "string not ended": ('[settings]\n\nhost = "abc\n', "hortus.toml:3", "not TOML"),
    "fact that no host asks for": (
        an_endpoint("mistral", 'facts = { sku = "Standard" }'),
        "hortus.toml:5 endpoint[0].facts.sku",
        "does not ask for this fact",
    ),
    "fact that the region says": (
        an_endpoint("azure", 'facts = { region = "westeurope" }'),
        "hortus.toml:5 endpoint[0].facts.region",
        "The endpoint's `region` says it.",
    ),
    "value that the host does not know": (
        an_endpoint("azure", 'facts = { sku = "standard" }'),
        "hortus.toml:5 endpoint[0].facts.sku",
        "Did you mean `Standard`?",
    ),
    "country that does not exist": (
        an_endpoint("mistral", 'country = "XX"'),
        "hortus.toml:5 endpoint[0].country",
        "ISO 3166-1",
    ),
    "terms without a source": (
        an_endpoint("mistral", 'terms = { source = " ", as_of = 2026-01-01 }'),
        "hortus.toml:5 endpoint[0].terms.source",
        "The source is empty.",
    ),
    "terms from the future": (
        an_endpoint("mistral", 'terms = { source = "c", as_of = 2099-01-01 }'),
        "hortus.toml:5 endpoint[0].terms.as_of",
        "The day is in the future.",
    ),
    "terms with no place": (
        an_endpoint("mistral", 'terms = { source = "c", as_of = 2026-01-01, storage = "Europe" }'),
        "hortus.toml:5 endpoint[0].terms.storage",
        "`Europe` is no place.",
    ),
    "terms with a home that does not exist": (
        an_endpoint("mistral", 'terms = { source = "c", as_of = 2026-01-01, home = "EU" }'),
        "hortus.toml:5 endpoint[0].terms.home",
        "ISO 3166-1",
    ),
    "terms with the law of no country": (
        an_endpoint("mistral", 'terms = { source = "c", as_of = 2026-01-01, laws = { USA = "no" } }'),
        "hortus.toml:5 endpoint[0].terms.laws.USA",
        "ISO 3166-1",
    ),
    "terms with a negative number of days": (
        an_endpoint("mistral", 'terms = { source = "c", as_of = 2026-01-01, retention_days = -1 }'),
        "hortus.toml:5 endpoint[0].terms.retention_days",
        "out of bounds",
    ),
    "terms and country that differ": (
        an_endpoint("mistral", 'country = "DE"\nterms = { source = "c", as_of = 2026-01-01, compute = "FR" }'),
        "hortus.toml:6 endpoint[0].terms.compute",
        "different things",
    ),
    "host of others as one's own": (
        an_endpoint("openai", "is_own = true"),
        "hortus.toml:5 endpoint[0].is_own",
        "cannot be your own",
    ),
    "unknown table": ('\n[[endpoints]]\nname = "a"\n', "hortus.toml:2 endpoints", "Did you mean `endpoint`?"),
    "unknown top key": ("colour = 3\n", "hortus.toml:1 colour", "The file may hold: settings, project"),
    "table in place of a list": ('[endpoint]\nname = "a"\n', "hortus.toml:1 endpoint", "[[endpoint]]"),
    "list in place of a table": ("[[settings]]\nport = 1\n", "hortus.toml:1 settings", "[settings]"),
    "value in place of a table": ("route = [3]\n", "hortus.toml:1 route[0]", "must be a table"),
    "unknown key": (ENDPOINT + 'hots = "x"\n', "hortus.toml:5 endpoint[0].hots", "Did you mean `host`?"),
    "missing key": ('[[endpoint]]\nname = "a"\nhost = "mistral"\n', "hortus.toml:1 endpoint[0].model", "is missing"),
    "wrong type": (ENDPOINT + "region = 3\n", "hortus.toml:5 endpoint[0].region", "Expected a text"),
    "wrong type in a list": (
        ENDPOINT + 'operations = [\n  "chat",\n  3,\n]\n',
        "hortus.toml:5 endpoint[0].operations[1]",
        "got a whole number",
    ),
    "a date as a name": (ROUTE.replace('"r"', "2026-11-23"), "hortus.toml:2 route[0].name", "Expected a text"),
    "name with a space": (ENDPOINT.replace('"a"', '"a b"'), "hortus.toml:2 endpoint[0].name", "cannot be a name"),
    "name that ends in a line break": (
        ENDPOINT.replace('"a"', '"a\\n"'),
        "hortus.toml:2 endpoint[0].name",
        "cannot be a name",
    ),
    "name too long": (ENDPOINT.replace('"a"', f'"{"a" * 129}"'), "hortus.toml:2 endpoint[0].name", "cannot be a name"),
    "deployment that leaves its folder": (
        '[[deployment]]\nname = "a/../../x"\nsource = "/m.gguf"\n',
        "hortus.toml:2 deployment[0].name",
        "cannot be a name",
    ),
    "unknown host": (ENDPOINT.replace("mistral", "mistrl"), "hortus.toml:4 endpoint[0].host", "Did you mean `mistral`"),
    "local host": (ENDPOINT.replace("mistral", "local"), "hortus.toml:4 endpoint[0].host", "Declare a deployment"),
    "open host without address": (
        ENDPOINT.replace("mistral", "openai-compatible"),
        "hortus.toml:1 endpoint[0].base_url",
        "needs a base_url",
    ),
    "any host without address": (
        ENDPOINT.replace("mistral", "any"),
        "hortus.toml:1 endpoint[0].base_url",
        "needs a base_url",
    ),
    "any host without dialects": (
        ENDPOINT.replace("mistral", "any") + 'base_url = "http://x/v1"\n',
        "hortus.toml:1 endpoint[0].dialects",
        "Name what is spoken there",
    ),
    "address that is a number": (
        ENDPOINT + "base_url = 3\n",
        "hortus.toml:5 endpoint[0].base_url",
        "got a whole number",
    ),
    "address of an unknown dialect": (
        ENDPOINT + 'base_url = { openai_chats = "http://x/v1" }\n',
        "hortus.toml:5 endpoint[0].base_url.openai_chats",
        "Did you mean `openai_chat`",
    ),
    "address of a dialect that is none": (
        ENDPOINT + '[endpoint.base_url]\nopenai_chat = "x/v1"\n',
        "hortus.toml:6 endpoint[0].base_url.openai_chat",
        "not an http or https",
    ),
    "unknown dialect": (
        ENDPOINT + 'dialects = ["openai_chat", "opnai_chat"]\n',
        "hortus.toml:5 endpoint[0].dialects[1]",
        "Did you mean `openai_chat`",
    ),
    "dialect named twice": (
        ENDPOINT + 'dialects = ["gemini", "gemini"]\n',
        "hortus.toml:5 endpoint[0].dialects[1]",
        "stands twice",
    ),
    "dialect without an address of its own": (
        ENDPOINT.replace("mistral", "any") + 'dialects = ["gemini"]\nbase_url = { openai_chat = "http://x/v1" }\n',
        "hortus.toml:5 endpoint[0].dialects[0]",
        "Name one for it in base_url",
    ),
    "part of an address that would leave it": (
        ENDPOINT + 'variables = { region = "evil.example/" }\n',
        "hortus.toml:5 endpoint[0].variables.region",
        "cannot stand in an address",
    ),
    "address of another scheme": (
        ENDPOINT + 'base_url = "ftp://x"\n',
        "hortus.toml:5 endpoint[0].base_url",
        "not an http or https",
    ),
    "address with a password": (
        ENDPOINT + 'base_url = "https://user:hunter2@x/v1"\n',
        "hortus.toml:5 endpoint[0].base_url",
        "holds a user",
    ),
    "address with a broken port": (
        ENDPOINT + 'base_url = "https://x:99999/v1"\n',
        "hortus.toml:5 endpoint[0].base_url",
        "not an address",
    ),
    "address of this machine": (
        ENDPOINT + 'base_url = "http://localhost:9/v1"\n',
        "hortus.toml:5 endpoint[0].base_url",
        "set private_address = true",
    ),
    "address of a private network for one dialect": (
        ENDPOINT + 'base_url = { openai_chat = "http://10.0.0.9/v1" }\n',
        "hortus.toml:5 endpoint[0].base_url.openai_chat",
        "one of a private network",
    ),
    "address of a cloud's metadata, permission or not": (
        ENDPOINT + 'base_url = "http://[::ffff:169.254.169.254]/v1"\nprivate_address = true\n',
        "hortus.toml:5 endpoint[0].base_url",
        "the setting `private_networks`",
    ),
    "address in disguise": (
        ENDPOINT + 'base_url = "http://2130706433/v1"\nprivate_address = true\n',
        "hortus.toml:5 endpoint[0].base_url",
        "neither a name nor an address",
    ),
    "secret in place of a reference": (
        ENDPOINT + 'credential = "sk-hunter2"\n',
        "hortus.toml:5 endpoint[0].credential",
        "never the secret itself",
    ),
    "secret under a name of its own": (
        ENDPOINT + 'api_key = "sk-hunter2"\n',
        "hortus.toml:5 endpoint[0].api_key",
        'credential = "env:NAME"',
    ),
    "country in words": (ENDPOINT + 'country = "Germany"\n', "hortus.toml:5 endpoint[0].country", "two letters"),
    "unknown operation": (
        ENDPOINT + 'operations = ["chat", "paint"]\n',
        "hortus.toml:5 endpoint[0].operations[1]",
        "not an operation",
    ),
    "timeout of nothing": (
        ENDPOINT + "total_timeout_s = 0\n",
        "hortus.toml:5 endpoint[0].total_timeout_s",
        "more than",
    ),
    "timeout that is not a number": (
        ENDPOINT + "idle_timeout_s = nan\n",
        "hortus.toml:5 endpoint[0].idle_timeout_s",
        "more than 0",
    ),
    "unknown strategy": (
        ROUTE + 'strategy = "wieghted"\n',
        "hortus.toml:4 route[0].strategy",
        "Did you mean `weighted`",
    ),
    "unknown rule of loss": (
        '[[project]]\nname = "a"\nloss = "strickt"\n',
        "hortus.toml:3 project[0].loss",
        "`strickt` cannot be `loss`. Did you mean `strict`?",
    ),
    "rule of loss like no other": (
        '[[project]]\nname = "a"\nloss = "x"\n',
        "hortus.toml:3 project[0].loss",
        "Write one of: standard, strict, lenient.",
    ),
    "rule of loss of another type": (
        '[[project]]\nname = "a"\nloss = true\n',
        "hortus.toml:3 project[0].loss",
        "Change the value to the right type.",
    ),
    "route without endpoints": (ROUTE.replace('["a"]', "[]"), "hortus.toml:3 route[0].endpoints", "no endpoint"),
    "weight of nothing": (
        ROUTE.replace('["a"]', '["a=0"]') + 'strategy = "weighted"\n',
        "hortus.toml:3 route[0].endpoints[0]",
        "whole number above 0",
    ),
    "weight where order counts": (
        ROUTE.replace('["a"]', '["a=2"]'),
        "hortus.toml:3 route[0].endpoints[0]",
        "no meaning in the strategy `ordered`",
    ),
    "endpoint twice in a route": (
        ROUTE.replace('["a"]', '["a", "a"]'),
        "hortus.toml:3 route[0].endpoints[1]",
        "stands twice",
    ),
    "name twice": (
        ENDPOINT + "\n" + ENDPOINT,
        "hortus.toml:7 endpoint[1].name",
        "the first stands at hortus.toml:2",
    ),
    "deployment with an endpoint's name": (
        ENDPOINT + '[[deployment]]\nname = "a"\nsource = "/m.gguf"\n',
        "hortus.toml:6 deployment[0].name",
        "the first stands at hortus.toml:2",
    ),
    "adapter with an endpoint's name": (
        ENDPOINT + '[[deployment]]\nname = "d"\nsource = "/m.gguf"\nadapters = [{name = "a", path = "/a.gguf"}]\n',
        "hortus.toml:6 deployment[0].name",
        "`a` is declared twice; the first stands at hortus.toml:2",
    ),
    "unknown engine": (
        '[[deployment]]\nname = "d"\nsource = "/m.gguf"\nengine = "steam"\n',
        "hortus.toml:4 deployment[0].engine",
        "no engine",
    ),
    "too many slots": (
        '[[deployment]]\nname = "d"\nsource = "/m.gguf"\nslots = 0\n',
        "hortus.toml:4 deployment[0].slots",
        "out of bounds",
    ),
    "no source": ('[[deployment]]\nname = "d"\nsource = " "\n', "hortus.toml:3 deployment[0].source", "is empty"),
    "project with a slash": ('[[project]]\nname = "a/b"\n', "hortus.toml:2 project[0].name", "cannot be a name"),
    "routes as one text": (
        '[[project]]\nname = "p"\nroutes = "*"\n',
        "hortus.toml:3 project[0].routes",
        "Expected a list",
    ),
    "not UTF-8": (b'[settings]\nhost = "\xff"\n', "hortus.toml:2", "not UTF-8"),
    "far too deep": ("a = " + "[" * 5000 + "]" * 5000 + "\n", "hortus.toml", ""),
    "too large": (b"#" * (4 * 1024 * 1024 + 1), "hortus.toml", "over"),
}


@pytest.mark.parametrize("case", WRONG)
def test_says_file_line_and_path_of_what_is_wrong(case: str) -> None:
    text, place, words = WRONG[case]
    error = refusal(text)
    assert str(error).startswith(f"{place}: "), str(error)
    assert words in str(error)
    assert "hunter2" not in str(error)


def test_facts_terms_and_ownership_that_hold_are_no_faults() -> None:
    text = """
    [[endpoint]]
    name = "zone"
    model = "gpt-4o"
    host = "azure"
    variables = { resource = "ours" }
    region = "swedencentral"
    facts = { sku = "DataZoneStandard" }
    terms = { source = "contract 17", as_of = 2026-11-23, retention_days = 0, laws = { US = "disputed" } }

    [[endpoint]]
    name = "own"
    model = "m"
    host = "vllm"
    base_url = "http://gpu.internal:9/v1"
    is_own = true
    """
    declared = read_config(text.encode(), file="hortus.toml", hosts=HOSTS, today=date(2026, 11, 23))
    assert [item.spec.name for item in declared.items] == ["zone", "own"]


def test_names_every_fault_at_once() -> None:
    error = refusal(ENDPOINT + "region = 3\n" + ENDPOINT.replace("mistral", "moon") + ROUTE.replace('["a"]', "[]"))
    assert "hortus.toml:5 endpoint[0].region" in str(error)
    assert "hortus.toml:9 endpoint[1].host" in str(error)
    assert "hortus.toml:12 route[0].endpoints" in str(error)


LINED = '''\
# [[endpoint]] in a comment
[settings]
text = """
[[endpoint]]
name = "not me"
"""
other = \'\'\'
[[route]] \'\'\'
list = [ # with a comment ]
  "]", '[',
  { a = 1, b = [2] },
]
"quoted.key" = 1
dotted . key = 2

[[endpoint]]   # the first
name = "a"
[[endpoint]]
name = "b"
[endpoint.more]
deep = 1
[[endpoint.parts]]
x = 1
[[endpoint.parts]]
x = 2
'''

PLACES = {
    ("settings", "text"): 3,
    ("settings", "other"): 7,
    ("settings", "list"): 9,
    ("settings", "list", 2, "b"): 9,
    ("settings", "quoted.key"): 13,
    ("settings", "dotted", "key"): 14,
    ("endpoint", 0): 16,
    ("endpoint", 0, "name"): 17,
    ("endpoint", 1): 18,
    ("endpoint", 1, "name"): 19,
    ("endpoint", 1, "more", "deep"): 21,
    ("endpoint", 1, "parts", 0, "x"): 23,
    ("endpoint", 1, "parts", 1, "x"): 25,
    ("endpoint", 0, "missing"): 16,
    ("nowhere",): 1,
}


@pytest.mark.parametrize("path", PLACES, ids=format_path)
def test_finds_the_line_of_a_path(path: tuple[str | int, ...]) -> None:
    assert Lines(LINED).line_of(path) == PLACES[path]


@given(st.text())
def test_the_scan_for_lines_never_fails(text: str) -> None:
    assert Lines(text).line_of(("endpoint", 0, "name")) >= 1


@given(st.binary(max_size=200) | st.text(alphabet="[]{}=\"'#\n .,ab1", max_size=60).map(str.encode))
def test_any_bytes_are_read_or_refused_with_a_place(data: bytes) -> None:
    place = "hortus.toml"
    try:
        read_config(data, file="hortus.toml", hosts=HOSTS)
    except ConfigurationError as error:
        place = error.path or ""
    assert place.startswith("hortus.toml")


@pytest.mark.parametrize(
    ("more", "networks"),
    [
        ('base_url = "http://127.0.0.1:9/v1"\nprivate_address = true\n', ()),
        ('base_url = "http://10.1.0.9/v1"\n', ("10.1.0.0/16",)),
        ('base_url = "http://169.254.7.7/v1"\n', ("169.254.7.0/24",)),
        ('base_url = "http://gpu.internal:8000/v1"\n', ()),
    ],
)
def test_an_address_that_is_allowed_or_not_known_yet_is_right(more: str, networks: tuple[str, ...]) -> None:
    allowed = read_networks(networks, setting="private_networks")
    assert read_config((ENDPOINT + more).encode(), file="hortus.toml", hosts=HOSTS, networks=allowed).items
