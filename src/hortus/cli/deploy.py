"""`hortus deploy`: has a model kept running on this machine, and waits until it answers."""

from __future__ import annotations

from typing import Annotated

import msgspec
import typer

from hortus.cli.admin import Admin
from hortus.cli.deployments import say_memory
from hortus.cli.fetching import bring_model
from hortus.cli.options import takes
from hortus.cli.screen import note, show_json, working
from hortus.cli.waiting import EngineFailedError, wait_for_engine
from hortus.snapshot.declared import DeploymentSpec

app = typer.Typer(add_completion=False)


class Options(msgspec.Struct, frozen=True):
    """Options of the command."""

    source: Annotated[
        str, typer.Argument(metavar="PATH_OR_REPOSITORY", help="A GGUF file, or owner/name[:file] on Hugging Face.")
    ]
    name: Annotated[str, typer.Option(help="What the deployment, and so its route, is called.")]
    context_tokens: Annotated[int, typer.Option(min=128, help="Length of context for each slot, in tokens.")] = 2048
    slots: Annotated[int, typer.Option(min=1, help="Requests that run at the same time.")] = 4
    threads: Annotated[int, typer.Option(min=0, help="Threads for inference; 0 lets the engine choose.")] = 0
    temperature: Annotated[float | None, typer.Option(min=0, help="Where a client names none.")] = None
    embeddings: Annotated[bool, typer.Option("--embeddings", help="It answers embeddings too.")] = False
    project: Annotated[list[str] | None, typer.Option(help="Let this project use it; repeat it.")] = None
    within_s: Annotated[float, typer.Option("--within", min=1, help="How long to wait for it, in seconds.")] = 600.0
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False


@app.command()
@takes(Options)
def deploy(options: Options) -> None:
    """Run a model on this machine; it gets a route of its name."""
    admin = Admin.here()
    for project in options.project or ():
        admin.project(project)  # an unknown one is said before anything is fetched
    source = bring_model(options.source, admin.installation)
    spec = DeploymentSpec(
        name=options.name,
        source=source,
        context_tokens=options.context_tokens,
        slots=options.slots,
        threads=options.threads,
        temperature=options.temperature,
        offers_embeddings=options.embeddings,
    )
    admin.deploy(spec)
    try:
        with working(f"Starting {options.name}") as say:
            ready = wait_for_engine(
                admin, options.name, within_s=options.within_s, on_look=lambda seen: say(f"{seen.name}: {seen.state}")
            )
    except EngineFailedError as error:
        admin.retire_deployment(options.name)
        raise EngineFailedError(error.message, path=source, hint=error.hint or "Nothing was left running.") from error
    for project in options.project or ():
        admin.allow(project, (options.name,))
    if options.json:
        show_json(ready)
        return
    note(f"{ready.name} answers ({say_memory(ready.memory_bytes) or 'memory unknown'}).")
    note(f"Ask it: `hortus ask --route {ready.name} …`. For keys: `hortus projects allow PROJECT {ready.name}`.")
