"""What the admin API takes: pydantic models, one for each kind of question. Unknown members are refused."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from hortus.canon.loss import Strictness
from hortus.catalog.abilities import Feature
from hortus.snapshot.grants import ANYWHERE

_LONGEST_TEXT = 4_194_304
"""Of any text that is taken. That there is a bound also has pydantic refuse half characters (lone surrogates)."""

_LAST_INSTANT_MS = 253_402_300_799_999
"""The end of the year 9999; a column of the store holds no more than 19 digits."""

Name = Annotated[
    str,
    Field(
        min_length=1,
        max_length=128,
        description="Letters, digits and . _ / : @ -, beginning with a letter or digit.",
        examples=["mistral-large"],
    ),
]
ShortName = Annotated[
    str,
    Field(
        min_length=1,
        max_length=63,
        description="Letters, digits and . _ -, beginning with a letter or digit.",
        examples=["library"],
    ),
]
RouteNames = Annotated[
    tuple[Annotated[str, Field(min_length=1, max_length=128)], ...],
    Field(description="Routes that the project's keys may use: names, or patterns such as `eu/*`."),
]
LossRule = Annotated[
    Strictness,
    Field(
        description="Which losses refuse a request: those of meaning (`standard`), all (`strict`), none (`lenient`)."
    ),
]

PolicyName = Annotated[
    str,
    Field(min_length=1, max_length=63, description="Name of the policy that decides what may go where."),
]
ShadowName = Annotated[
    str | None,
    Field(max_length=63, description="Name of a policy whose verdicts are only written down in receipts."),
]
KeptDays = Annotated[
    int, Field(strict=True, description="Days for which requests and answers are kept, encrypted; 0: not at all.")
]


class Ask(BaseModel):
    """What an operation is asked; nothing beside what is written here."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_max_length=_LONGEST_TEXT)


class Nothing(Ask):
    """No parameters."""


class Everything(Ask):
    """A list, with or without what was retired."""

    include_retired: Annotated[bool, Field(description="Whether retired ones are listed too.")] = False


class OrganisationName(Ask):
    """How the organisation is called."""

    name: Annotated[str, Field(min_length=1, max_length=200, description="Any words.", examples=["City of Lund"])]


class OneProject(Ask):
    """A project by its name."""

    name: ShortName


class ProjectWanted(Ask):
    """A project and what its keys may use."""

    name: ShortName
    routes: RouteNames = ("seedling",)
    loss: LossRule = "standard"
    policy: PolicyName = ANYWHERE
    shadow_policy: ShadowName = None
    keep_content_days: KeptDays = 0


class ProjectPolicy(Ask):
    """Which policies judge a project's requests from now on."""

    name: ShortName
    policy: PolicyName
    shadow_policy: ShadowName = None


class ProjectKeeping(Ask):
    """How long a project's requests and answers are kept from now on."""

    name: ShortName
    keep_content_days: KeptDays


class ProjectRoutes(Ask):
    """Which routes a project's keys may use from now on."""

    name: ShortName
    routes: RouteNames


class ProjectLoss(Ask):
    """Which losses refuse a project's requests from now on."""

    name: ShortName
    loss: LossRule


class KeyWanted(Ask):
    """A new key."""

    project: Annotated[ShortName, Field(description="The project that the key belongs to; made if absent.")]
    name: Annotated[str, Field(max_length=100, description="What the key is for, in your words.")] = ""
    expires_in_days: Annotated[
        int | None, Field(ge=1, le=36500, description="Days until it stops working; never where absent.")
    ] = None


class KeysWanted(Ask):
    """Keys of one project, or all."""

    project: Annotated[str | None, Field(description="Only the keys of this project.")] = None


class OneKey(Ask):
    """A key by its id."""

    id: Annotated[str, Field(description="The key's id, such as `key_…`; never the key itself.")]


class OneObject(Ask):
    """An endpoint, route or deployment by its name."""

    name: Name


class RouteWanted(Ask):
    """A name that clients put in `model`, and where it leads."""

    name: Name
    endpoints: Annotated[
        tuple[str, ...], Field(description="Endpoints or deployments in order; `name=3` gives a weight.")
    ]
    strategy: Annotated[
        str, Field(description="`ordered`, `weighted`, `cheapest`, `least_latency` or `least_busy`.")
    ] = "ordered"
    output_cap: Annotated[
        int | None, Field(description="Most output tokens of an answer where the client sets no limit.")
    ] = None
    sticky: Annotated[bool, Field(description="Whether a conversation stays with one endpoint.")] = False
    cache_s: Annotated[
        int, Field(strict=True, description="Seconds for which an answer is given again to the same request; 0: never.")
    ] = 0


class AdapterWanted(Ask):
    """A small set of weights over a deployment's model, served by the same process."""

    name: Annotated[str, Field(description="What clients put in `model`.")]
    path: Annotated[str, Field(description="Absolute path: GGUF for llama.cpp, a PEFT folder for vLLM.")]


class DeploymentWanted(Ask):
    """A model to keep running on this machine."""

    name: ShortName
    source: Annotated[
        str,
        Field(
            description="Absolute path of a GGUF file or of a folder with safetensors, a Hugging Face repository "
            "(`owner/name[:file]`), `seedling`."
        ),
    ]
    engine: Annotated[
        str, Field(description="`llamacpp`, `transformers` or `vllm`; `auto`: by the kind of the model's files.")
    ] = "auto"
    context_tokens: Annotated[int, Field(description="Length of context for each slot.")] = 2048
    slots: Annotated[int, Field(description="Requests that run at the same time.")] = 4
    threads: Annotated[int, Field(description="Threads for inference; 0: by the size of the weights.")] = 0
    temperature: Annotated[float | None, Field(description="Where the client names none.")] = None
    offers_embeddings: Annotated[bool, Field(description="Whether it answers embeddings too.")] = False
    adapters: Annotated[tuple[AdapterWanted, ...], Field(description="Served beside the model, by name.")] = ()


LONGEST_FOUND_NAME = 300
"""No host calls a model by more; no route or endpoint could be called so either."""


class FoundModel(Ask):
    """A model of an account at a host, as discovery found it."""

    name: Annotated[str, Field(description="What the host calls it.", min_length=1, max_length=LONGEST_FOUND_NAME)]
    model: Annotated[str | None, Field(description="The catalog's id, or the maker's name of it.")] = None
    operations: Annotated[tuple[str, ...], Field(description="What it can do; as the catalog knows where empty.")] = ()
    region: Annotated[str | None, Field(description="The host's name of its region.")] = None
    facts: Annotated[dict[str, str], Field(description="What decides its place, such as `sku`.")] = {}


class HostAccount(Ask):
    """An account at a host: where it is, and what opens it."""

    host: Annotated[str, Field(description="Catalog id of the host.", examples=["mistral"])]
    credential: Annotated[
        str | None, Field(description="Reference `env:NAME` or `file:NAME`; the host's usual variable where absent.")
    ] = None
    base_url: Annotated[str | None, Field(description="Address, where it is not the catalog's.")] = None
    style: Annotated[str | None, Field(description="Another way to address the host, of those that it has.")] = None
    auth: Annotated[
        str | None, Field(description="How the credential is sent, where the host takes it in several ways.")
    ] = None
    private_address: Annotated[
        bool, Field(description="Whether it may lie on this machine or in a private network.")
    ] = False
    variables: Annotated[
        dict[str, str], Field(description="What stands for `{name}` in the host's addresses: `project`, `region`.")
    ] = {}


class HostWanted(HostAccount):
    """A host to connect: endpoints and routes for its models."""

    models: Annotated[
        tuple[str, ...], Field(description="Catalog ids of the models; every current one that it offers where empty.")
    ] = ()
    found: Annotated[
        tuple[FoundModel, ...],
        Field(max_length=2000, description="These, as `hosts.discover` found them; the catalog's offers where empty."),
    ] = ()
    projects: Annotated[
        tuple[str, ...], Field(description="Projects whose keys may use the new routes; none where empty.")
    ] = ("default",)
    dry_run: Annotated[bool, Field(description="Only say what would be made and what would leave.")] = False


class CatalogQuery(Ask):
    """What to look for in the catalog; every member that is set must hold."""

    words: Annotated[tuple[str, ...], Field(description="Each must occur in id, name, family, licence or maker.")] = ()
    maker: Annotated[str | None, Field(description="Catalog id of the maker.")] = None
    open_weights: Annotated[bool | None, Field(description="Whether the weights are open.")] = None
    max_price: Annotated[
        Decimal | None, Field(ge=0, description="The dearer of input and output, per million tokens.")
    ] = None
    place: Annotated[str | None, Field(description="Where it computes: a country's code, or `EU`.")] = None
    host: Annotated[str | None, Field(description="Catalog id of a host that offers it.")] = None
    state: Annotated[
        Literal["preview", "current", "legacy", "deprecated", "retired"] | None, Field(description="Lifecycle state.")
    ] = None
    feature: Annotated[Feature | None, Field(description="What it can do.")] = None


class SyncWanted(Ask):
    """Hosts whose own lists of models are read."""

    hosts: Annotated[tuple[str, ...], Field(description="Catalog ids; every lit host where empty.")] = ()


class ReceiptQuery(Ask):
    """Which receipts to list, newest first."""

    project: Annotated[str | None, Field(description="Name of the project.")] = None
    route: Annotated[str | None, Field(description="Name of the route.")] = None
    status: Annotated[
        Literal["completed", "failed", "cancelled", "timed_out", "interrupted", "refused"] | None,
        Field(description="How the request ended."),
    ] = None
    since_ms: Annotated[
        int | None, Field(ge=0, le=_LAST_INSTANT_MS, description="Opened at or after (milliseconds since 1970).")
    ] = None
    before: Annotated[str | None, Field(description="Id of the last receipt of the page before.")] = None
    limit: Annotated[int, Field(ge=1, le=1000, description="Most receipts to return.")] = 20


class OneReceipt(Ask):
    """A receipt by its id."""

    id: Annotated[str, Field(description="Value of the header `hortus-receipt`, such as `rcp_…`.")]


class ConfigWanted(Ask):
    """A configuration to apply."""

    toml: Annotated[
        str | None, Field(max_length=4_194_304, description="Its text; this node's own `hortus.toml` where absent.")
    ] = None
    file: Annotated[str, Field(max_length=4096, description="How to call it in messages.")] = "hortus.toml"
    dry_run: Annotated[bool, Field(description="Only say what would change.")] = True
