"""Objects as an admin declares them, in `hortus.toml`, through the API or by a command.

`compile.py` turns them into a snapshot. Names, not ids, refer from one to another.
"""

from __future__ import annotations

import msgspec

from hortus.canon.loss import Strictness, Weight

NAME_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9._/:@-]{0,127}$"
"""What a route, endpoint or deployment may be called."""

PROJECT_NAME_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$"


class EndpointSpec(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """One model at one host in one region, as declared.

    Attributes:
        name: Unique among endpoints.
        model: Catalog id of the model, or any name where the catalog has none.
        host: Catalog id of the host; `any` or `openai-compatible` for one that the catalog does not know.
        base_url: Base address where it differs from the host's row, or one for each dialect; required for `any` and
            `openai-compatible`.
        dialects: Which of the host's wire formats to use, preferred first; all where empty.
        variables: What stands for `{name}` in the addresses of the host's row; `region` is one by itself.
        upstream_model: What the host calls the model; the catalog's offer, else `model`, where absent.
        credential: `env:NAME` or `file:PATH`; the host's usual variable where absent.
        region: The host's name of the region, for receipts.
        country: ISO 3166-1 alpha-2 code of where it computes, where the admin knows it by contract.
        operations: What it can do, `chat` and `embeddings`.
        weights: Member of a request (`messages[].name`, `service_tier`) to how heavy its loss is here, where that is
            not as usual.
        connect_timeout_s: Longest wait for a connection; likewise the other three.
    """

    name: str
    model: str
    host: str
    base_url: str | dict[str, str] | None = None
    dialects: tuple[str, ...] = ()
    variables: dict[str, str] = {}
    upstream_model: str | None = None
    credential: str | None = None
    region: str | None = None
    country: str | None = None
    operations: tuple[str, ...] = ("chat",)
    connect_timeout_s: float | None = None
    first_byte_timeout_s: float | None = None
    idle_timeout_s: float | None = None
    total_timeout_s: float | None = None
    weights: dict[str, Weight] = {}


class RouteSpec(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """A name that clients put in `model`.

    Attributes:
        endpoints: Names of endpoints, in order; `name=weight` gives a weight for the strategy `weighted`.
        strategy: `ordered` or `weighted`.
    """

    name: str
    endpoints: tuple[str, ...]
    strategy: str = "ordered"


class ProjectSpec(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """A project: the routes its keys may use (names or patterns such as `eu/*`), and which losses refuse a request."""

    name: str
    routes: tuple[str, ...] = ("seedling",)
    loss: Strictness = "standard"


class DeploymentSpec(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """A model kept running here; it becomes an endpoint and a route of the same name.

    Attributes:
        source: A path to a GGUF file, a Hugging Face repository (`owner/name`, or `owner/name:file.gguf`),
            or `seedling`.
        context_tokens: Length of context for each slot.
        slots: Requests that run at the same time.
        threads: Threads for inference; 0 lets the engine's driver choose.
    """

    name: str
    source: str
    engine: str = "llamacpp"
    context_tokens: int = 2048
    slots: int = 4
    threads: int = 0
    temperature: float | None = None
    offers_embeddings: bool = False
