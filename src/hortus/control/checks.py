"""What is wrong with a declared object, wherever it was declared? Pure: a spec in, a list of faults out.

A fault never quotes a credential or an address that may hold one.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from datetime import date
from urllib.parse import urlsplit

from hortus.base.addresses import Network, Permission, address_in, is_disguised, why_not
from hortus.catalog.lookup import SPOKEN_DIALECTS
from hortus.catalog.rows import Host
from hortus.control.bounds import check_limit, check_price, check_rate
from hortus.control.factchecks import check_facts
from hortus.control.fault import MOST_QUOTED, Fault, suggest
from hortus.control.tomllines import Path
from hortus.policy.rules import Policy
from hortus.snapshot.compile import read_candidate
from hortus.snapshot.declared import (
    NAME_PATTERN,
    PROJECT_NAME_PATTERN,
    DeploymentSpec,
    EndpointSpec,
    LimitSpec,
    ProjectSpec,
    RateSpec,
    RouteSpec,
)
from hortus.snapshot.endpoints import LOCAL_HOST
from hortus.snapshot.model import WORKSHOP
from hortus.snapshot.surfaces import ANY_HOST, OPEN_HOST, OPEN_HOSTS

OPERATIONS = (
    *("chat", "embeddings", "rerank", "moderations", "ocr", "fim", "images", "speech", "transcriptions"),
    *("files", "batches", "fine_tuning", "invoke", "realtime"),
)
STRATEGIES = ("ordered", "weighted", "cheapest", "least_latency", "least_busy")
ENGINES = ("auto", "llamacpp", "transformers", "vllm")

_PLACES = {
    "loopback": "this machine's own",
    "private": "one of a private network",
    "link-local": "one of this machine's own link",
    "metadata": "where a cloud gives its machines their credentials",
    "reserved": "in a range that is not given out",
    "multicast": "nobody's own",
    "unspecified": "nobody's own",
}

_TIMEOUTS = ("connect_timeout_s", "first_byte_timeout_s", "idle_timeout_s", "total_timeout_s")
_BOUNDS: dict[str, tuple[int, int, str]] = {
    "context_tokens": (16, 2**24, "16 to 16777216"),
    "slots": (1, 1024, "1 to 1024"),
    "threads": (0, 4096, "0 (by the size of the weights) to 4096"),
    "temperature": (0, 5, "0 to 5"),
}
_MOST_OUTPUT_TOKENS = 2**31 - 1
_MOST_KEPT_DAYS = 3650
_MOST_CACHED_S = 2_592_000
_MOST_AT_ONCE = 1_000_000
_LONGEST_QUEUE_WAIT_S = 3600
_ENVIRONMENT_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_CREDENTIAL_FILE = re.compile(r"(?!\.)[A-Za-z0-9._@+-]+")
_VARIABLE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]*")

Spec = EndpointSpec | RouteSpec | DeploymentSpec | ProjectSpec | LimitSpec | RateSpec | Policy


def check_spec(
    spec: Spec, *, hosts: Mapping[str, Host], networks: tuple[Network, ...] = (), today: date | None = None
) -> list[Fault]:
    """Return what is wrong with `spec` by itself; names of other objects are not looked up.

    Args:
        spec: The object as declared.
        hosts: Rows of the hosts in the catalog, by id.
        networks: The node's `private_networks`.
        today: No contract was looked at later; None: not judged.
    """
    match spec:
        case EndpointSpec():
            facts = check_facts(spec, hosts.get(spec.host), today=today)
            return [*_check_own_name(spec.name, NAME_PATTERN), *_check_endpoint(spec, hosts, networks=networks), *facts]
        case RouteSpec():
            return [*_check_own_name(spec.name, NAME_PATTERN), *_check_route(spec)]
        case DeploymentSpec():
            # its name also names a file in `run/engines`, so it is as narrow as a project's
            return [*_check_own_name(spec.name, PROJECT_NAME_PATTERN), *_check_deployment(spec)]
        case ProjectSpec():
            return [*_check_name(spec.name, PROJECT_NAME_PATTERN), *_check_keeping(spec)]
        case LimitSpec():
            return [*_check_name(spec.name, PROJECT_NAME_PATTERN), *check_limit(spec)]
        case RateSpec():
            return list(check_rate(spec))
        case Policy():
            return _check_name(spec.name, PROJECT_NAME_PATTERN)  # its rules need the whole catalog: `policychecks.py`


def check_far(spec: Spec) -> list[Fault]:
    """Return what may stand in the machine's own file but not come over the admin API.

    A credential is sent to the endpoint's address. Who holds the admin token could have any file of this machine sent
    to an address of their own.
    """
    reference = spec.credential if isinstance(spec, EndpointSpec) else None
    if reference is None or not reference.startswith("file:") or _CREDENTIAL_FILE.fullmatch(reference[5:]):
        return []
    message = "The admin API takes credential files of the installation's directory `credentials` only."
    hint = 'Write "file:NAME", or declare the endpoint in this machine\'s own hortus.toml.'
    return [Fault(("credential",), message, hint)]


def _check_own_name(name: str, pattern: str) -> list[Fault]:
    """Return what is wrong with the name of something that is also an endpoint or a route."""
    if name == WORKSHOP:
        message = f"`{WORKSHOP}` is where this installation itself keeps files and tunes models."
        return [Fault(("name",), message, "Choose another name.")]
    return _check_name(name, pattern)


def _check_name(name: str, pattern: str) -> list[Fault]:
    if re.fullmatch(pattern, name) is not None and "\n" not in name:
        return []
    allowed = "letters, digits and . _ -" if pattern == PROJECT_NAME_PATTERN else "letters, digits and . _ / : @ -"
    message = f"`{name[:MOST_QUOTED]}` cannot be a name."
    return [Fault(("name",), message, f"Begin with a letter or digit and use only {allowed}.")]


def _check_keeping(spec: ProjectSpec) -> Iterator[Fault]:
    if not 0 <= spec.keep_content_days <= _MOST_KEPT_DAYS:
        hint = f"Use a number of days from 0 (nothing is kept) to {_MOST_KEPT_DAYS}."
        yield Fault(("keep_content_days",), "keep_content_days is out of bounds.", hint)


def _check_endpoint(spec: EndpointSpec, hosts: Collection[str], *, networks: tuple[Network, ...]) -> Iterator[Fault]:
    if not spec.model:
        yield Fault(("model",), "The model is empty.", "Name a model of the catalog, or what the host calls it.")
    yield from _check_host(spec, hosts)
    yield from _check_addresses(spec, Permission(spec.private_address, networks))
    yield from _check_dialects(spec)
    yield from _check_variables(spec.variables)
    if spec.credential is not None:
        yield from _check_credential(spec.credential)
    yield from _check_operations(spec.operations)
    yield from _check_timeouts(spec)
    yield from _check_queue(spec)
    if spec.price is not None:
        yield from (Fault(("price", *fault.path), fault.message, fault.hint) for fault in check_price(spec.price))


def _check_host(spec: EndpointSpec, hosts: Collection[str]) -> Iterator[Fault]:
    if spec.host == LOCAL_HOST:
        yield Fault(("host",), "`local` is for deployments.", "Declare a deployment; it becomes an endpoint itself.")
    elif spec.host in OPEN_HOSTS:
        if not spec.base_url:
            hint = 'Such as "https://models.example/v1".'
            yield Fault(("base_url",), f"The host `{spec.host}` needs a base_url.", hint)
        elif spec.host == ANY_HOST and not spec.dialects and isinstance(spec.base_url, str):
            hint = f"Name what is spoken there, of: {', '.join(SPOKEN_DIALECTS)}."
            yield Fault(("dialects",), f"The host `{ANY_HOST}` needs dialects.", hint)
    elif spec.host not in hosts:
        hint = suggest(spec.host, hosts) or f'Use host = "{OPEN_HOST}" and a base_url for one outside the catalog.'
        yield Fault(("host",), f"The catalog has no host `{spec.host[:MOST_QUOTED]}`.", hint)


def _check_timeouts(spec: EndpointSpec) -> Iterator[Fault]:
    for field in _TIMEOUTS:
        value = getattr(spec, field)
        if value is not None and not 0 < value < float("inf"):
            yield Fault((field,), "A timeout must be more than 0 seconds.", "Leave it out to keep the default.")


def _check_queue(spec: EndpointSpec) -> Iterator[Fault]:
    if spec.concurrency is not None and not 1 <= spec.concurrency <= _MOST_AT_ONCE:
        hint = f"Use a number from 1 to {_MOST_AT_ONCE}, or leave it out for no bound."
        yield Fault(("concurrency",), "concurrency is out of bounds.", hint)
    if not 0 <= spec.queue <= _MOST_AT_ONCE:
        hint = f"Use a number from 0 (nobody waits) to {_MOST_AT_ONCE}."
        yield Fault(("queue",), "queue is out of bounds.", hint)
    if not 0 < spec.queue_wait_s <= _LONGEST_QUEUE_WAIT_S:
        hint = f"Use a number of seconds above 0, at most {_LONGEST_QUEUE_WAIT_S}."
        yield Fault(("queue_wait_s",), "queue_wait_s is out of bounds.", hint)


def _check_operations(operations: tuple[str, ...]) -> Iterator[Fault]:
    if not operations:
        yield Fault(("operations",), "The list is empty.", f"Use any of: {', '.join(OPERATIONS)}.")
    for index, operation in enumerate(operations):
        if operation not in OPERATIONS:
            message = f"`{operation[:MOST_QUOTED]}` is not an operation."
            yield Fault(("operations", index), message, f"Use any of: {', '.join(OPERATIONS)}.")


def _check_addresses(spec: EndpointSpec, permission: Permission) -> Iterator[Fault]:
    if isinstance(spec.base_url, str):
        yield from _check_address(spec.base_url, ("base_url",), permission=permission)
    for dialect, address in spec.base_url.items() if isinstance(spec.base_url, dict) else ():
        where: Path = ("base_url", dialect[:MOST_QUOTED])
        yield from _check_dialect(dialect, where)
        yield from _check_address(address, where, permission=permission)


def _check_dialects(spec: EndpointSpec) -> Iterator[Fault]:
    for index, dialect in enumerate(spec.dialects):
        where: Path = ("dialects", index)
        yield from _check_dialect(dialect, where)
        if dialect in spec.dialects[:index]:
            yield Fault(where, "The dialect stands twice.", "Remove one.")
        elif spec.host in OPEN_HOSTS and isinstance(spec.base_url, dict) and dialect not in spec.base_url:
            yield Fault(where, "The dialect has no address.", "Name one for it in base_url.")


def _check_dialect(dialect: str, where: Path) -> Iterator[Fault]:
    if dialect not in SPOKEN_DIALECTS:
        hint = suggest(dialect, SPOKEN_DIALECTS) or f"Use some of: {', '.join(SPOKEN_DIALECTS)}."
        yield Fault(where, f"There is no dialect `{dialect[:MOST_QUOTED]}`.", hint)


def _check_variables(variables: Mapping[str, str]) -> Iterator[Fault]:
    for name, value in variables.items():
        where: Path = ("variables", name[:MOST_QUOTED])
        if _VARIABLE.fullmatch(value) is None:
            yield Fault(where, "This cannot stand in an address.", "Use letters, digits and . _ : - only.")


def _check_address(address: str, where: Path, *, permission: Permission) -> Iterator[Fault]:
    try:
        parts = urlsplit(address)
        port = parts.port
    except ValueError:
        yield Fault(where, "This is not an address.", 'Write one such as "https://models.example/v1".')
        return
    is_plain = all(character > " " for character in address)
    if parts.scheme not in {"http", "https"} or not parts.hostname or port == 0 or not is_plain:
        yield Fault(where, "This is not an http or https address.", 'Such as "https://models.example/v1".')
    elif parts.username is not None or parts.query or parts.fragment:
        message = "The address holds a user, a query or a fragment."
        yield Fault(where, message, "Put secrets into a credential reference instead.")
    else:
        yield from _check_place(address, where, permission=permission)


def _check_place(address: str, where: Path, *, permission: Permission) -> Iterator[Fault]:
    """A name is judged by what it resolves to, when it is called; an address can be judged now."""
    if is_disguised(urlsplit(address).hostname or ""):
        message = "The address's host is neither a name nor an address."
        yield Fault(where, message, "Write an address as four numbers from 0 to 255, with dots.")
    literal = address_in(address)
    kind = why_not(literal, permission) if literal is not None else None
    if kind is not None:
        named = "name its network in the setting `private_networks`"
        is_openable = kind in {"loopback", "private"}
        hint = (
            f"If it is meant, set private_address = true, or {named}." if is_openable else f"If it is meant, {named}."
        )
        yield Fault(where, f"This address is not public: it is {_PLACES[kind]}.", hint)


def _check_credential(reference: str) -> Iterator[Fault]:
    scheme, colon, rest = reference.partition(":")
    is_reference = colon and (
        (scheme == "env" and _ENVIRONMENT_NAME.fullmatch(rest)) or (scheme == "file" and rest and "\0" not in rest)
    )
    if not is_reference:
        message = "A credential must be a reference, never the secret itself."
        yield Fault(("credential",), message, 'Write "env:NAME_OF_VARIABLE" or "file:NAME".')


def _check_route(spec: RouteSpec) -> Iterator[Fault]:
    if spec.strategy not in STRATEGIES:
        message = f"There is no strategy `{spec.strategy[:MOST_QUOTED]}`."
        hint = suggest(spec.strategy, STRATEGIES) or f"Use one of: {', '.join(STRATEGIES)}."
        yield Fault(("strategy",), message, hint)
    if not 0 <= spec.cache_s <= _MOST_CACHED_S:
        hint = f"Use a number of seconds from 0 (no cache) to {_MOST_CACHED_S}."
        yield Fault(("cache_s",), "cache_s is out of bounds.", hint)
    if not spec.endpoints:
        yield Fault(("endpoints",), "The route has no endpoint.", "Name at least one endpoint or deployment.")
    if spec.output_cap is not None and not 1 <= spec.output_cap <= _MOST_OUTPUT_TOKENS:
        hint = "Leave it out for the model's own limit."
        yield Fault(("output_cap",), f"Use a number of tokens from 1 to {_MOST_OUTPUT_TOKENS}.", hint)
    yield from _check_candidates(spec)


def _check_candidates(spec: RouteSpec) -> Iterator[Fault]:
    seen: set[str] = set()
    for index, text in enumerate(spec.endpoints):
        where: Path = ("endpoints", index)
        try:
            name, weight = read_candidate(text)
        except ValueError:
            yield Fault(where, "A weight must be a whole number above 0.", 'Write it as "name=3".')
            continue
        if weight is not None and spec.strategy in STRATEGIES and spec.strategy != "weighted":
            hint = 'Set strategy = "weighted", or leave the weight out.'
            yield Fault(where, f"A weight has no meaning in the strategy `{spec.strategy}`.", hint)
        if name in seen:
            yield Fault(where, f"The endpoint `{name[:MOST_QUOTED]}` stands twice in this route.", "Remove one.")
        seen.add(name)


def _check_deployment(spec: DeploymentSpec) -> Iterator[Fault]:
    if spec.engine not in ENGINES:
        yield Fault(("engine",), f"There is no engine `{spec.engine[:MOST_QUOTED]}`.", f"Use {', '.join(ENGINES)}.")
    if not spec.source.strip() or "\0" in spec.source:
        yield Fault(("source",), "The source is empty.", "Name a GGUF file or a Hugging Face repository.")
    yield from _check_adapters(spec)
    for field, (low, high, words) in _BOUNDS.items():
        value = getattr(spec, field)
        if value is not None and not low <= value <= high:
            yield Fault((field,), f"{field} is out of bounds.", f"Use a number from {words}.")


def _check_adapters(spec: DeploymentSpec) -> Iterator[Fault]:
    seen = {spec.name}
    for index, adapter in enumerate(spec.adapters):
        where = ("adapters", index)
        yield from (fault.under(where) for fault in _check_name(adapter.name, NAME_PATTERN))
        if adapter.name in seen:
            message = f"The name `{adapter.name[:MOST_QUOTED]}` stands twice in this deployment."
            yield Fault((*where, "name"), message, "Give each adapter a name of its own.")
        if not adapter.path.startswith(("/", ".", "~")) or "\0" in adapter.path:
            yield Fault((*where, "path"), "This is no path.", "Begin it with `/`, or `./` beside the configuration.")
        seen.add(adapter.name)
