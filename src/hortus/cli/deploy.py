"""`hortus deploy`: has a model kept running on this machine, and waits until it answers."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from hortus.base.errors import ConfigurationError
from hortus.cli.deployments import say_memory, say_start
from hortus.cli.fetching import bring_model
from hortus.cli.jobcalls import WorkshopAdmin
from hortus.cli.options import takes
from hortus.cli.replies import Deployment
from hortus.cli.screen import note, show_json, working
from hortus.cli.waiting import EngineFailedError, wait_for_engine
from hortus.snapshot.declared import DeploymentSpec
from hortus.snapshot.model import Adapter

BUILT_IN = "built-in"
"""Origin of the model that ships with Hortus: declared by nobody, so there is nothing to replace."""

app = typer.Typer(add_completion=False)

JOB = "ftjob-"
"""How ids of jobs begin."""


class Options(msgspec.Struct, frozen=True):
    """Options of the command."""

    source: Annotated[
        str,
        typer.Argument(
            metavar="PATH_OR_REPOSITORY_OR_JOB",
            help="A GGUF file, a folder of safetensors, owner/name[:file] on Hugging Face, or a finished job's id.",
        ),
    ]
    name: Annotated[
        str | None, typer.Option(help="What the deployment, and so its route, is called; a job's product has a name.")
    ] = None
    engine: Annotated[str, typer.Option(help="llamacpp, transformers, vllm; auto: by the kind of files.")] = "auto"
    adapter: Annotated[
        list[str] | None, typer.Option(metavar="NAME=PATH", help="An adapter with a route of its own; repeat it.")
    ] = None
    context_tokens: Annotated[int, typer.Option(min=128, help="Length of context for each slot, in tokens.")] = 2048
    slots: Annotated[int, typer.Option(min=1, help="Requests that run at the same time.")] = 4
    threads: Annotated[int, typer.Option(min=0, help="Threads for inference; 0: by the weights' size.")] = 0
    temperature: Annotated[float | None, typer.Option(min=0, help="Where a client names none.")] = None
    embeddings: Annotated[bool, typer.Option("--embeddings", help="It answers embeddings too.")] = False
    project: Annotated[list[str] | None, typer.Option(help="Let this project use it; repeat it.")] = None
    within_s: Annotated[float, typer.Option("--within", min=1, help="How long to wait for it, in seconds.")] = 600.0
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False


@app.command()
@takes(Options)
def deploy(options: Options) -> None:
    """Run a model, or the product of a job; one of that name is replaced."""
    admin = WorkshopAdmin.here()
    for project in options.project or ():
        admin.project(project)  # an unknown one is said before anything is fetched
    ready = _deploy_product(admin, options) if options.source.startswith(JOB) else _deploy_model(admin, options)
    for project in options.project or ():
        admin.allow(project, (ready.name, *(adapter.name for adapter in read_adapters(options.adapter or ()))))
    if options.json:
        show_json(ready)
    else:
        _tell(ready)


def _tell(ready: Deployment) -> None:
    note(f"{ready.name} answers ({say_memory(ready.memory_bytes) or 'memory unknown'}).")
    if (start := say_start(ready)) is not None:
        note(f"From its start to its first answer: {start}.")
    note(f"Ask it: `hortus ask --route {ready.name} …`. For keys: `hortus projects allow PROJECT {ready.name}`.")


def _deploy_product(admin: WorkshopAdmin, options: Options) -> Deployment:
    """Serve a product that has passed its gate, as it was asked there."""
    made = admin.deploy_job(options.source, name=options.name)
    return _wait(admin, made.name, within_s=options.within_s)


def _deploy_model(admin: WorkshopAdmin, options: Options) -> Deployment:
    if options.name is None:
        raise ConfigurationError("a model has no name of its own.", path="--name", hint="Say how it is called.")
    source = bring_model(options.source, admin.installation)
    spec = DeploymentSpec(
        name=options.name,
        source=source,
        engine=options.engine,
        adapters=read_adapters(options.adapter or ()),
        context_tokens=options.context_tokens,
        slots=options.slots,
        threads=options.threads,
        temperature=options.temperature,
        offers_embeddings=options.embeddings,
    )
    is_replaced = any(one.name == spec.name and one.origin != BUILT_IN for one in admin.deployments())
    (admin.redeploy if is_replaced else admin.deploy)(spec)
    try:
        return _wait(admin, options.name, within_s=options.within_s)
    except EngineFailedError as error:
        if is_replaced:
            raise
        admin.retire_deployment(options.name)
        raise EngineFailedError(error.message, path=source, hint=error.hint or "Nothing was left running.") from error


def _wait(admin: WorkshopAdmin, name: str, *, within_s: float) -> Deployment:
    with working(f"Starting {name}") as say:
        return wait_for_engine(admin, name, within_s=within_s, on_look=lambda seen: say(f"{seen.name}: {seen.state}"))


def read_adapters(texts: Iterable[str]) -> tuple[Adapter, ...]:
    """Return adapters as they are named on the command line, by absolute paths.

    Raises:
        typer.BadParameter: One is not `NAME=PATH`.
    """
    found = []
    for text in texts:
        name, equals, path = text.partition("=")
        if not (name and equals and path):
            raise typer.BadParameter(f"{text!r} is not NAME=PATH.", param_hint="--adapter")
        found.append(Adapter(name, str(Path(path).expanduser().resolve())))
    return tuple(found)
