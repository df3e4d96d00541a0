"""Everything that a user can set on a node, in one Struct; the only place that reads the environment.

Precedence: flag, environment variable, `[settings]` of `hortus.toml`, default. `Settings.origins` keeps which it was.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, get_type_hints
from urllib.parse import urlsplit

import msgspec
from msgspec import Meta

from hortus.base.addresses import read_networks
from hortus.base.errors import ConfigurationError
from hortus.canon.errors import HostUnavailable
from hortus.catalog.places import ISO_COUNTRIES
from hortus.transport.target import read_target

ENVIRONMENT_PREFIX = "HORTUS_"

_HINT = "`hortus config settings` lists every setting; docs/reference/settings.md explains them."


def _set(sentence: str, *, unit: str = "", **bounds: Any) -> Meta:
    return Meta(description=sentence, extra={"unit": unit}, **bounds)


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Settings of one node; declared objects (projects, endpoints, routes, deployments) are not settings."""

    host: Annotated[str, _set("Address on which the door listens.")] = "127.0.0.1"
    port: Annotated[int, _set("Port of the door; 0 takes a free one.", ge=0, le=65535)] = 8000
    admin_host: Annotated[str, _set("Address on which the admin API listens.")] = "127.0.0.1"
    admin_port: Annotated[
        int | None, _set("Port of the admin API; the door's port + 1 where not set, 0 takes a free one.")
    ] = None
    workers: Annotated[int, _set("Gateway processes; 0 means one for each core.", ge=0, le=256)] = 0
    public_url: Annotated[
        str | None,
        _set("Address by which clients reach the door, where it is not host and port; its host is one for signatures."),
    ] = None
    tls_cert: Annotated[str | None, _set("File with the certificate chain (PEM) for the door and the admin API.")] = (
        None
    )
    tls_key: Annotated[str | None, _set("File with the certificate's private key (PEM).")] = None
    insecure_http: Annotated[
        bool, _set("Allow an address other than loopback without TLS, such as behind a proxy on a private network.")
    ] = False
    door_server: Annotated[
        Literal["own", "uvicorn"],
        _set("What speaks HTTP at the door: our own protocol with its bounds, or uvicorn's over plain ASGI."),
    ] = "own"
    trusted_proxies: Annotated[
        tuple[str, ...], _set("Addresses or networks (CIDR) whose X-Forwarded-For header is believed.")
    ] = ()
    body_limit_mib: Annotated[int, _set("Largest request body.", unit="MiB", ge=1, le=1024)] = 32
    upload_limit_mib: Annotated[
        int,
        _set(
            "Largest request body that is a form with files (multipart); it lies on the disk, below HORTUS_HOME, "
            "while it is served.",
            unit="MiB",
            ge=1,
            le=65536,
        ),
    ] = 512
    drain_s: Annotated[float, _set("How long running requests may finish at a stop.", unit="s", ge=0, le=3600)] = 30.0
    ca_bundle: Annotated[str | None, _set("File with further certificate authorities (PEM) for calls to hosts.")] = None
    https_proxy: Annotated[str | None, _set("Proxy for calls to https hosts; HTTPS_PROXY where not set.")] = None
    http_proxy: Annotated[str | None, _set("Proxy for calls to http hosts; HTTP_PROXY where not set.")] = None
    no_proxy: Annotated[
        str | None, _set("Hosts, suffixes and networks called directly, comma separated; NO_PROXY where not set.")
    ] = None
    private_networks: Annotated[
        tuple[str, ...],
        _set(
            "Addresses and networks (CIDR) that every endpoint may lie in though they are not public; an endpoint's "
            "own private_address opens loopback and private networks for it alone."
        ),
    ] = ()
    journal_sync: Annotated[
        Literal["group", "always"],
        _set("When receipts are forced to disk: in groups every 50 ms, or before each answer goes on."),
    ] = "group"
    checkpoint_minutes: Annotated[
        int, _set("How often the chain of receipts is signed, where it has grown.", unit="min", ge=1, le=1440)
    ] = 10
    receipts_days: Annotated[
        int,
        _set("How long receipts are kept; then whole segments leave for a signed stub. 0: for ever.", unit="d", ge=0),
    ] = 0
    log_format: Annotated[
        Literal["auto", "json", "text"], _set("Form of log lines; auto means text on a terminal, else JSON.")
    ] = "auto"
    log_level: Annotated[Literal["debug", "info", "warning", "error"], _set("Least important log lines shown.")] = (
        "info"
    )
    grants_cached: Annotated[int, _set("Keys whose rights each worker remembers.", ge=16, le=10_000_000)] = 100_000
    seals_kept: Annotated[
        int,
        _set("Seals of reasoning kept for clients that cannot send them back; newer ones push out the oldest.", ge=1),
    ] = 100_000
    seals_hours: Annotated[int, _set("How long a seal is kept.", unit="h", ge=1, le=720)] = 24
    host_ids_kept: Annotated[
        int, _set("Ids of hosts (responses, conversations, files) whose owner is remembered.", ge=1)
    ] = 1_000_000
    host_ids_days: Annotated[
        int, _set("How long the owner of a host's id is remembered; later it is unknown.", unit="d", ge=1, le=3650)
    ] = 60
    breaker_failures: Annotated[
        int,
        _set("So many failures of an endpoint in a row let it rest for a while; 0: it never rests.", ge=0, le=1000),
    ] = 5
    content_largest_kib: Annotated[
        int,
        _set(
            "Longest request or answer that is kept with its words, for projects that keep content.",
            unit="KiB",
            ge=1,
            le=65536,
        ),
    ] = 4096
    country: Annotated[
        str | None,
        _set("Country in which this installation stands (ISO 3166-1 alpha-2); policies count its own models there."),
    ] = None
    cache_mib: Annotated[
        int,
        _set("Room for answers that routes with `cache_s` give again, in each worker's memory.", unit="MiB", ge=0),
    ] = 64
    seedling: Annotated[bool, _set("Run the small model that ships with Hortus.")] = True
    otlp_endpoint: Annotated[
        str | None,
        _set(
            "Address of an OpenTelemetry collector (OTLP over HTTP), to which a trace of every receipt is sent; "
            "OTEL_EXPORTER_OTLP_ENDPOINT where not set."
        ),
    ] = None
    otlp_headers: Annotated[
        str,
        _set(
            "Reference (`env:NAME`, `file:NAME`) to the headers that the collector asks for: `name=value,name=value`."
        ),
    ] = "env:OTEL_EXPORTER_OTLP_HEADERS"
    name_recogniser: Annotated[
        str,
        _set(
            "Who recognises names of people for the guards: `built-in`, or the name of an entry point of the group "
            "`hortus.name_recognisers` in an installed package."
        ),
    ] = "built-in"
    workshop_jobs: Annotated[
        int, _set("Tuning jobs of one project that are not over at the same time.", ge=1, le=100_000)
    ] = 50
    workshop_gib: Annotated[
        int, _set("Room for what one project brings for tuning and for what its jobs hold, together.", unit="GiB", ge=1)
    ] = 20
    workshop_free_gib: Annotated[
        float, _set("What must stay free of the disk: else no file and no job is taken.", unit="GiB", ge=0, le=65536)
    ] = 1.0
    hub_url: Annotated[str, _set("Address of the Hugging Face hub, or of a mirror with the same paths.")] = (
        "https://huggingface.co"
    )
    tuning_poll_s: Annotated[
        float, _set("How often a host that tunes a model is asked how its job stands.", unit="s", ge=0.05, le=3600)
    ] = 20.0

    @property
    def actual_admin_port(self) -> int:
        """The admin API's port: set, or next to the door's; a free one where the door takes a free one."""
        if self.admin_port is not None:
            return self.admin_port
        return self.port + 1 if self.port else 0

    @property
    def worker_count(self) -> int:
        """How many gateway processes run."""
        return self.workers or len(os.sched_getaffinity(0))


class Loaded(msgspec.Struct, frozen=True):
    """Settings, where each came from, and the environment as it was read."""

    settings: Settings
    origins: dict[str, str]
    home: Path
    config_file: Path | None
    environment: dict[str, str]


def shown_setting(name: str, value: object) -> object:
    """Return a setting as it may be shown: a proxy's address without its password."""
    if not name.endswith("_proxy") or not isinstance(value, str):
        return value
    try:
        parts = urlsplit(value)
    except ValueError:
        return "(hidden)"
    if "@" not in value:
        return value
    return parts._replace(netloc=f"(hidden)@{parts.netloc.rpartition('@')[2]}").geturl() if parts.netloc else "(hidden)"


def read_environment() -> dict[str, str]:
    """Return a copy of the process environment; nothing else in Hortus reads it."""
    return dict(os.environ)  # noqa: TID251 -- the one place


def load_settings(
    flags: Mapping[str, object], *, environment: Mapping[str, str], directory: Path, config_file: Path | None = None
) -> Loaded:
    """Join flags, environment, file and defaults.

    Args:
        flags: Values given on the command line, None for those not given.
        environment: Variables, as `read_environment` returns them.
        directory: Where the search for `hortus.toml` starts, upwards.
        config_file: Takes the search's place.

    Raises:
        ConfigurationError: A value is wrong; the path names the flag, the variable or the file.
    """
    file = config_file or find_config_file(directory)
    values: dict[str, object] = {}
    origins = dict.fromkeys(Settings.__struct_fields__, "default")
    for name, value in (_from_file(file) if file else {}).items():
        values[name], origins[name] = value, f"file {file}"
    for name, value, variable in _from_environment(environment):
        values[name], origins[name] = value, f"environment {variable}"
    for name, value in flags.items():
        if value is not None:
            values[name], origins[name] = value, f"flag --{name.replace('_', '-')}"
    _anchor(values, origins, file=file, directory=directory)
    settings = _convert(values, origins)
    _check_exposure(settings, origins)
    _check_collector(settings, origins)
    _check_public_url(settings, origins)
    read_networks(settings.private_networks, setting=origins["private_networks"])
    _check_country(settings, origins)
    return Loaded(
        settings=settings,
        origins=origins,
        home=find_home(environment, config_file=file),
        config_file=file,
        environment=dict(environment),
    )


def find_config_file(directory: Path) -> Path | None:
    """Return the `hortus.toml` in `directory` or the nearest one above it."""
    for place in (directory, *directory.parents):
        if (place / "hortus.toml").is_file():
            return place / "hortus.toml"
    return None


def find_home(environment: Mapping[str, str], *, config_file: Path | None) -> Path:
    """Return HORTUS_HOME, else `.hortus` beside `hortus.toml`, else the user's data directory."""
    named = environment.get("HORTUS_HOME")
    if named:
        return Path(named).expanduser().resolve()
    if config_file:
        return config_file.parent.resolve() / ".hortus"
    data = environment.get("XDG_DATA_HOME") or str(Path(environment.get("HOME", "~")).expanduser() / ".local" / "share")
    return Path(data) / "hortus"


def setting_rows() -> list[tuple[str, str, str, str]]:
    """Return (name, default, unit, sentence) of every setting, for the documentation and `hortus config`."""
    hints = get_type_hints(Settings, include_extras=True)
    rows = []
    for field in msgspec.structs.fields(Settings):
        meta = hints[field.name].__metadata__[0]
        default = "none" if field.default is None else msgspec.json.encode(field.default).decode()
        rows.append((field.name, default, (meta.extra or {}).get("unit", ""), meta.description or ""))
    return rows


_EVERYBODYS_VARIABLES = {
    "https_proxy": ("https_proxy", "HTTPS_PROXY"),
    "http_proxy": ("http_proxy", "HTTP_PROXY"),
    "no_proxy": ("no_proxy", "NO_PROXY"),
    "otlp_endpoint": ("OTEL_EXPORTER_OTLP_ENDPOINT",),
}
"""Names under which other programs know a setting of ours; ours goes before them."""

OTHER_VARIABLES = {
    "HORTUS_HOME": "Directory that holds everything of one installation.",
    "HORTUS_ADMIN_TOKEN": "The first admin's token, in the place of the one that the first start makes.",
    "HORTUS_KEY": "The client key that `hortus ask` uses.",
    "HORTUS_URL": "Address of the door, for the command line on another machine.",
    "HORTUS_ADMIN_URL": "Address of the admin API, for the command line on another machine.",
    "HORTUS_DEBUG": "Set to 1, the command line shows tracebacks.",
}
"""Variables with our prefix that are no settings of a node, each with a sentence."""


def _from_environment(environment: Mapping[str, str]) -> list[tuple[str, object, str]]:
    found: list[tuple[str, object, str]] = []
    for name, spellings in _EVERYBODYS_VARIABLES.items():
        for spelling in spellings:
            if environment.get(spelling):
                found.append((name, environment[spelling], spelling))
    fields = set(Settings.__struct_fields__)
    for variable, text in sorted(environment.items()):
        name = variable.removeprefix(ENVIRONMENT_PREFIX).lower()
        if variable.startswith(ENVIRONMENT_PREFIX) and name in fields:
            found.append((name, _split_if_list(name, text), variable))
    return found


_FILES = ("tls_cert", "tls_key", "ca_bundle")


def _anchor(values: dict[str, object], origins: Mapping[str, str], *, file: Path | None, directory: Path) -> None:
    """Make paths absolute: in the file they start at the file's directory, elsewhere at the working directory."""
    for name in _FILES:
        value = values.get(name)
        if isinstance(value, str):
            start = file.parent if file and origins[name].startswith("file") else directory
            values[name] = str((start / Path(value).expanduser()).absolute())


def _split_if_list(name: str, text: str) -> object:
    if name in {"trusted_proxies", "private_networks"}:
        return tuple(part.strip() for part in text.split(",") if part.strip())
    return text


def _from_file(file: Path) -> dict[str, object]:
    try:
        table = tomllib.loads(file.read_text("utf-8")).get("settings", {})
    except tomllib.TOMLDecodeError as error:
        reason, line = _split_place(str(error))
        raise ConfigurationError(f"not TOML: {reason}.", path=f"{file}{line}", hint="Mend the file.") from error
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"cannot be read: {error}.", path=str(file), hint="Mend the file.") from error
    if not isinstance(table, dict):
        raise ConfigurationError("`settings` must be a table.", path=str(file), hint="Write it as [settings].")
    unknown = sorted(set(table) - set(Settings.__struct_fields__))
    if unknown:
        raise ConfigurationError(f"unknown setting {unknown[0]!r}.", path=f"{file}: settings.{unknown[0]}", hint=_HINT)
    return table


def _split_place(text: str) -> tuple[str, str]:
    """Split tomllib's words into reason and `:line`."""
    reason, _, place = text.partition(" (at line ")
    return reason, f":{place.split(',')[0]}" if place else ""


def _convert(values: Mapping[str, object], origins: Mapping[str, str]) -> Settings:
    try:
        return msgspec.convert(dict(values), Settings, strict=False)
    except msgspec.ValidationError as error:
        text = str(error)
        name = text.rsplit("$.", 1)[-1].rstrip("`").split("[")[0]
        reason = text.split(" - at ", maxsplit=1)[0]
        raise ConfigurationError(f"{name}: {reason}.", path=_place_of(name, origins.get(name)), hint=_HINT) from error


def _place_of(name: str, origin: str | None) -> str | None:
    """Return where a setting was given; in a file with its line."""
    if origin is None or not origin.startswith("file "):
        return origin
    file = Path(origin.removeprefix("file "))
    lines = enumerate(file.read_text("utf-8").splitlines(), start=1)
    number = next((number for number, line in lines if line.partition("=")[0].strip() == name), None)
    return f"{file}:{number}" if number else str(file)


def _check_country(settings: Settings, origins: Mapping[str, str]) -> None:
    if settings.country is not None and settings.country not in ISO_COUNTRIES:
        message = f"country: there is none with the code {settings.country}."
        hint = 'Write an ISO 3166-1 alpha-2 code, such as "DE".'
        raise ConfigurationError(message, path=origins["country"], hint=hint)


def _check_public_url(settings: Settings, origins: Mapping[str, str]) -> None:
    url = settings.public_url
    if url is None:
        return
    try:
        read_target(url)
        is_address = _is_plain_address(url)
    except HostUnavailable:
        is_address = False
    if not is_address:
        raise ConfigurationError(
            "public_url is no plain http or https address.",
            path=origins["public_url"],
            hint="Give scheme and host, and the port where it is not the usual one: https://models.example.org.",
        )


def _check_collector(settings: Settings, origins: Mapping[str, str]) -> None:
    if settings.otlp_endpoint is not None and not _is_plain_address(settings.otlp_endpoint):
        raise ConfigurationError(
            "otlp_endpoint is no plain http or https address.",
            path=origins["otlp_endpoint"],
            hint="Give scheme, host and port, such as http://127.0.0.1:4318; secrets belong behind otlp_headers.",
        )


def _is_plain_address(url: str) -> bool:
    """Tell whether this is an address without secrets; it is never repeated where it is none, for it may hold one."""
    try:
        parts = urlsplit(url)
        is_address = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
    return is_address and "@" not in parts.netloc and not parts.query and not parts.fragment


_LOOPBACK = ("127.", "::1", "localhost")


def is_loopback(host: str) -> bool:
    """Tell whether a listening address can only be reached from this machine."""
    return host.startswith(_LOOPBACK)


def _check_exposure(settings: Settings, origins: Mapping[str, str]) -> None:
    if (settings.tls_cert is None) != (settings.tls_key is None):
        one = "tls_cert" if settings.tls_cert else "tls_key"
        raise ConfigurationError(f"{one} is set alone.", path=origins[one], hint="Set tls_cert and tls_key together.")
    if settings.tls_cert or settings.insecure_http:
        return
    for name, host in (("host", settings.host), ("admin_host", settings.admin_host)):
        if not is_loopback(host):
            raise ConfigurationError(
                f"{name} {host} can be reached from other machines, and there is no TLS: keys would travel in clear.",
                path=origins[name],
                hint="Set tls_cert and tls_key, or --insecure-http behind a proxy that does TLS.",
            )
