"""What the admin API takes about files, datasets, jobs, bases and suites."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from pydantic import Field, WithJsonSchema

from hortus.control.models import Ask, Name, ShortName
from hortus.jobs.records import State
from hortus.jobs.spec import About, EngineWish, Form, GateRules, Method, Recipe

Id = Annotated[str, Field(min_length=1, max_length=128)]
Folder = Annotated[
    str, Field(min_length=1, max_length=4096, description="Absolute path on the installation's machine.")
]
MaybeProject = Annotated[str | None, Field(description="Only this project's; all where absent.")]
Project = Annotated[ShortName, Field(description="Name of the project that it belongs to.")]
_LAST_NUMBER = 2**63 - 1  # what a column of the store holds
_DEFAULT = "default"


def _schema_of(kind: type[msgspec.Struct]) -> dict[str, Any]:
    """Return a value's JSON schema without references."""
    schemas, named = msgspec.json.schema_components([kind], ref_template="{name}")

    def resolve(node: Any) -> Any:
        if isinstance(node, dict):
            if "$ref" in node:
                return resolve(named[node["$ref"]])
            return {name: resolve(value) for name, value in node.items()}
        return [resolve(value) for value in node] if isinstance(node, list) else node

    schema: dict[str, Any] = resolve(schemas[0])
    return schema


class FilesWanted(Ask):
    """Which files to list, newest first."""

    project: MaybeProject = None
    after: Annotated[str | None, Field(description="Id of the last file of the page before.")] = None
    limit: Annotated[int, Field(ge=1, le=1000, description="Most files to return.")] = 100


class FileWanted(Ask):
    """What a file is called and what it is for; the file itself is the body."""

    name: Annotated[str, Field(min_length=1, max_length=255, description="Its name, as people know it.")]
    project: Project = _DEFAULT
    purpose: Annotated[Literal["fine-tune"], Field(description="What it is for: jobs read those for `fine-tune`.")] = (
        "fine-tune"
    )


class OneFile(Ask):
    """A file by its id."""

    id: Annotated[Id, Field(description="Such as `file-…`.")]


class JobsWanted(Ask):
    """Which jobs to list, newest first."""

    project: MaybeProject = None
    state: Annotated[State | None, Field(description="Only those in this state.")] = None
    after: Annotated[str | None, Field(description="Id of the last job of the page before.")] = None
    limit: Annotated[int, Field(ge=1, le=1000, description="Most jobs to return.")] = 100


class Learnt(Ask):
    """What checks and jobs have in common."""

    training: Annotated[Id, Field(description="Id of the file to learn from.")]
    base: Annotated[
        str,
        Field(
            min_length=1,
            max_length=256,
            description="What is tuned: one of `bases.list`, an earlier job's id, or a route to a host's model.",
        ),
    ] = "seedling"
    validation: Annotated[Id | None, Field(description="Id of a file that is held out; else a share is.")] = None
    project: Project = _DEFAULT
    method: Annotated[Method, Field(description="How it learns.")] = "supervised"
    recipe: Annotated[
        dict[str, Any],
        WithJsonSchema(_schema_of(Recipe)),
        Field(default_factory=dict, description="Settings of the training; each has a default."),
    ]
    held_out_share: Annotated[
        float, Field(ge=0, lt=1, description="Share of the examples that is held out where there is no such file.")
    ] = 0.1


class CheckWanted(Learnt):
    """A file to check against a base; nothing is trained, and nothing spent."""


class JobWanted(Learnt):
    """A job: what is tuned, from what, and what the product must show before it is served."""

    suffix: Annotated[
        str, Field(max_length=64, pattern=r"^[A-Za-z0-9._-]*$", description="Part of the product's name.")
    ] = ""
    gate: Annotated[
        dict[str, Any],
        WithJsonSchema(_schema_of(GateRules)),
        Field(default_factory=dict, description="What the product must show; each member has a default."),
    ]
    about: Annotated[
        dict[str, Any],
        WithJsonSchema(_schema_of(About)),
        Field(default_factory=dict, description="What only people can say of the product: it stands in its papers."),
    ]
    engine: Annotated[EngineWish, Field(description="What serves the product.")] = "auto"
    form: Annotated[Form, Field(description="Whether the adapter is put into the weights.")] = "merged"
    deploy: Annotated[bool, Field(description="Whether the product is served once it has passed.")] = True
    metadata: Annotated[
        dict[Annotated[str, Field(max_length=64)], Annotated[str, Field(max_length=512)]],
        Field(default_factory=dict, max_length=16, description="Words of your own."),
    ]


class OneJob(Ask):
    """A job by its id."""

    id: Annotated[Id, Field(description="Such as `ftjob-…`.")]


class EventsWanted(OneJob):
    """Which events of a job, oldest first."""

    newer_than: Annotated[int, Field(ge=0, le=_LAST_NUMBER, description="Number of the last event already seen.")] = 0
    kind: Annotated[
        Literal["message", "metrics", "checkpoint"] | None, Field(description="Only these; all where absent.")
    ] = None
    limit: Annotated[int, Field(ge=1, le=2000, description="Most events to return.")] = 1000


class MetricsWanted(OneJob):
    """Figures of a job's steps, oldest first."""

    newer_than: Annotated[int, Field(ge=0, le=_LAST_NUMBER, description="Number of the last one already seen.")] = 0
    limit: Annotated[int, Field(ge=1, le=2000, description="Most of them to return.")] = 1000


class DeployWanted(OneJob):
    """A product to serve."""

    name: Annotated[Name | None, Field(description="Of its route; else the product's own name.")] = None


class ExportWanted(OneJob):
    """A product to write into a folder."""

    folder: Folder


class DatasetsWanted(Ask):
    """Which datasets to list, newest first."""

    project: MaybeProject = None
    limit: Annotated[int, Field(ge=1, le=1000, description="Most jobs that are looked at.")] = 200


class OneDataset(Ask):
    """A dataset, or the check of one."""

    id: Annotated[
        Id,
        Field(description="Its hash or the first eight letters of it, or the id of the job that checked it."),
    ]


class BaseWanted(Ask):
    """A model to keep as a base."""

    name: ShortName
    folder: Folder


class FromContent(Ask):
    """Which kept requests and answers of a project become a file of examples."""

    project: Project
    name: Annotated[str, Field(min_length=1, max_length=255, description="What the file is called.")] = "kept.jsonl"
    routes: Annotated[tuple[str, ...], Field(max_length=100, description="Routes asked; all where empty.")] = ()
    models: Annotated[
        tuple[str, ...], Field(max_length=100, description="Models or endpoints that answered; all where empty.")
    ] = ()
    since: Annotated[str | None, Field(description="From then on, as for usage: `7d`, `2026-11`, milliseconds.")] = None
    until: Annotated[str | None, Field(description="Before then.")] = None


class OneSuite(Ask):
    """A suite by its name."""

    name: ShortName
