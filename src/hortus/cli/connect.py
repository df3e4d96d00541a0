"""`hortus connect HOST`: makes the endpoints and routes of a host, and says what will leave this machine."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from getpass import getpass
from typing import Annotated

import msgspec
import typer
from rich.markup import escape

from hortus.app.ground import write_private
from hortus.base.errors import ConfigurationError
from hortus.catalog.auth import RENEWED
from hortus.catalog.loading import load_catalog
from hortus.catalog.rows import Host
from hortus.cli.admin import Admin
from hortus.cli.options import takes
from hortus.cli.place import Installation
from hortus.cli.replies import Connected
from hortus.cli.screen import note, show_json

app = typer.Typer(add_completion=False)

_LONGEST_SECRET_BYTES = 16_384


class Options(msgspec.Struct, frozen=True):
    """Options of the command."""

    host: Annotated[str, typer.Argument(help="A host (often called provider) of the catalog: `hortus catalog hosts`.")]
    model: Annotated[list[str] | None, typer.Option(help="Only this model; repeat it. Else all current ones.")] = None
    project: Annotated[list[str] | None, typer.Option(help="Who may use the routes; repeat it. Else default.")] = None
    credential: Annotated[
        str | None, typer.Option(help="Where the host's key is: env:NAME or file:NAME. Else the usual variable.")
    ] = None
    key_stdin: Annotated[bool, typer.Option("--key-stdin", help="Read the host's key from standard input.")] = False
    base_url: Annotated[str | None, typer.Option(help="Address, where it is not the catalog's.")] = None
    style: Annotated[
        str | None, typer.Option(help="Another way to address the host: `hortus catalog host` says which it has.")
    ] = None
    auth: Annotated[
        str | None, typer.Option(help="How its key is sent, where it takes several: `entra` for Azure's Entra ID.")
    ] = None
    private_address: Annotated[
        bool, typer.Option("--private-address", help="The address may be this machine's or of a private network.")
    ] = False
    set: Annotated[
        list[str] | None, typer.Option(help="A part of the host's address that is yours: NAME=VALUE; repeat it.")
    ] = None
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be made and would leave.")] = False
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False


@app.command()
@takes(Options)
def connect(options: Options) -> None:
    """Connect a host: its models get routes here."""
    admin = Admin.here()
    host = load_catalog().host(options.host)
    for project in options.project or ():
        admin.project(project)  # an unknown one is said before anything is made
    credential = options.credential
    if options.key_stdin:
        if credential:
            hint = "Give one of the two: a reference or the key."
            raise ConfigurationError("it stands beside --credential.", path="--key-stdin", hint=hint)
        credential = f"file:{host.id}"
        if not options.dry_run:
            _keep_secret(admin.installation, host, options.auth)
    wanted: dict[str, object] = {"models": options.model or [], "dry_run": options.dry_run}
    variables = read_variables(options.set or ())
    given = {
        "credential": credential,
        "base_url": options.base_url,
        "style": options.style,
        "auth": options.auth,
        "projects": options.project,
        "variables": variables,
        "private_address": options.private_address,
    }
    made = admin.connect(host.id, {**wanted, **{name: value for name, value in given.items() if value}})
    if options.json:
        show_json(made)
    else:
        say_connected(made)


def read_variables(texts: Iterable[str]) -> dict[str, str]:
    """Read `NAME=VALUE`. Raises ConfigurationError where one is something else."""
    found = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not (name and equals and value):
            raise ConfigurationError("it takes NAME=VALUE.", path="--set", hint="Such as --set region=europe-west4.")
        found[name] = value
    return found


def say_connected(made: Connected) -> None:
    """Say on standard error what was made, who may use it, and what leaves."""
    verb = "Would make" if made.is_dry_run else "Made"
    routes = "1 route" if len(made.routes) == 1 else f"{len(made.routes)} routes"
    note(f"{verb} {routes}: {escape(', '.join(made.routes)) or 'none'}")
    allowed = escape(", ".join(made.projects)) or "none yet; `hortus projects allow` adds one"
    note(f"Projects that may use them: {allowed}")
    note("[yellow]What leaves this machine:[/yellow]")
    for line in made.leaves:
        note(f"  {escape(line)}")
    for line in made.notes:
        note(f"[dim]{escape(line)}[/dim]")


def _keep_secret(installation: Installation, host: Host, auth: str | None) -> None:
    """Write the host's key where only its owner reads it; it is in no argument, no log and no answer."""
    if installation.home is None:
        raise ConfigurationError(
            "works on the installation's own machine only.", path="--key-stdin", hint="Set the host's variable there."
        )
    is_person = sys.stdin.isatty()
    secret = getpass("The host's key (not shown): ") if is_person else sys.stdin.read(_LONGEST_SECRET_BYTES)
    write_private(installation.home.credentials / host.id, check_secret(secret, host, auth=auth).encode())


def check_secret(text: str, host: Host, *, auth: str | None = None) -> str:
    """Return what authenticates at the host: a key, or the JSON document of a service account or identity.

    Raises:
        ConfigurationError: What came is neither.
    """
    secret = text.strip()
    wants_file = any((auth or surface.auth) in RENEWED for surface in host.surfaces)
    is_fit = secret.startswith("{") if wants_file else secret.isprintable()
    if not secret or not is_fit or not secret.isascii():
        hint = (
            "Pipe in the JSON file of the service account or identity."
            if wants_file
            else "Pipe in the key and nothing else."
        )
        raise ConfigurationError("what came is no key.", path="--key-stdin", hint=hint)
    return secret
