"""`hortus connect HOST`: asks the host what an account has there, makes endpoints and routes, says what will leave."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Annotated

import msgspec
import typer
from rich.markup import escape

from hortus.base.errors import ConfigurationError
from hortus.catalog.loading import load_catalog
from hortus.catalog.rows import Host
from hortus.cli.admin import Admin, DeclinedError
from hortus.cli.connectaccount import Account, Given, find_account, read_variables
from hortus.cli.options import takes
from hortus.cli.replies import Connected, DiscoveredModel, Discovery
from hortus.cli.screen import Column, in_one_line, is_interactive, note, show_json, show_table, working

app = typer.Typer(add_completion=False)

_COLUMNS = (
    Column("model", is_whole=True),
    Column("route"),
    Column("can"),
    Column("computed in"),
    Column("price"),
    Column(""),
)


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
    from_catalog: Annotated[
        bool, typer.Option("--from-catalog", help="Do not ask the host: take what the catalog says that it offers.")
    ] = False
    all: Annotated[bool, typer.Option("--all", help="Models too that the catalog does not know.")] = False
    deployment: Annotated[
        list[str] | None,
        typer.Option(help="Azure, where its lists are closed: a deployment, NAME=SKU or NAME=SKU:MODEL; repeat it."),
    ] = None
    tenant: Annotated[str | None, typer.Option(help="Azure: the directory of an application.")] = None
    client_id: Annotated[str | None, typer.Option(help="Azure: the application, or a managed identity's.")] = None
    client_secret: Annotated[
        str | None, typer.Option(help="Azure: where the application's secret is, env:NAME or file:NAME.")
    ] = None
    managed_identity: Annotated[
        str | None, typer.Option(help="Azure: the identity of the machine, `imds` or `app-service`.")
    ] = None
    profile: Annotated[str | None, typer.Option(help="AWS: take the keys of this profile of its own files.")] = None
    aws_role: Annotated[
        str | None, typer.Option(help="AWS: the role of the machine (`instance`) or container (`container`).")
    ] = None
    key_file: Annotated[str | None, typer.Option(help="Google: the JSON key file of a service account.")] = None
    google_machine: Annotated[
        bool, typer.Option("--google-machine", help="Google: the service account of the machine that Hortus runs on.")
    ] = False
    credential_name: Annotated[
        str | None, typer.Option(help="Name of the file in which the credential is kept. Else the host's.")
    ] = None
    list_url: Annotated[
        str | None, typer.Option(help="Where the host's lists are, in a national cloud or behind a gateway of yours.")
    ] = None
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be made and would leave.")] = False
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask whether it is to be made.")] = False
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False


class ConnectedAccount(Connected, frozen=True):
    """What connecting made, and what the host said that the account has."""

    discovery: Discovery | None = None


@app.command()
@takes(Options)
def connect(options: Options) -> None:
    """Connect a host: it is asked for its models, and they get routes here."""
    admin = Admin.here()
    host = load_catalog().host(options.host)
    for project in options.project or ():
        admin.project(project)  # an unknown one is said before anything is made
    is_lit = host.id in admin.status().lit_hosts
    account = find_account(_given(options), host, admin.installation, is_lit=is_lit)
    common = _common(options, account)
    discovery = None if options.from_catalog else _discover(admin, host, options, common=common, account=account)
    if discovery is not None and not options.json:
        say_discovery(discovery)
    wanted = {**common, **_chosen(options, discovery), "dry_run": True}
    if not options.dry_run and (_needs_no_word(options) or _agreed(admin, host, wanted)):
        wanted["dry_run"] = False
    made = admin.connect(host.id, wanted)
    if options.json:
        show_json(ConnectedAccount(**msgspec.structs.asdict(made), discovery=discovery))
    else:
        say_connected(made)


def _chosen(options: Options, discovery: Discovery | None) -> dict[str, object]:
    """Return which models are meant, and who may use their routes."""
    chosen: dict[str, object] = {"models": options.model or []} if discovery is None else {"found": _found(discovery)}
    return {**chosen, "projects": options.project} if options.project else chosen


def _needs_no_word(options: Options) -> bool:
    return options.yes or options.json or not is_interactive()


def _given(options: Options) -> Given:
    return Given(
        credential=options.credential,
        credential_name=options.credential_name,
        key_stdin=options.key_stdin,
        auth=options.auth,
        tenant=options.tenant,
        client_id=options.client_id,
        client_secret=options.client_secret,
        managed_identity=options.managed_identity,
        profile=options.profile,
        aws_role=options.aws_role,
        key_file=options.key_file,
        google_machine=options.google_machine,
        variables=read_variables(options.set or ()),
        deployments=tuple(options.deployment or ()),
        is_dry_run=options.dry_run,
        may_ask=is_interactive() and not options.json,
        is_elsewhere=options.base_url is not None,
    )


def _common(options: Options, account: Account) -> dict[str, object]:
    given: dict[str, object] = {
        "credential": account.credential,
        "base_url": options.base_url,
        "style": options.style,
        "auth": account.auth,
        "variables": account.variables,
        "private_address": options.private_address,
    }
    return {name: value for name, value in given.items() if value}


def _discover(
    admin: Admin, host: Host, options: Options, *, common: dict[str, object], account: Account
) -> Discovery | None:
    """Have the host asked; None where that cannot be, so that the catalog is all there is to go by."""
    if not host.lists and host.list_path is None and not account.names:
        note(f"{escape(host.name)} has no list that can be asked for; this is what the catalog says.")
        return None
    more = {"models": options.model, "names": account.names, "takes_all": options.all, "list_url": options.list_url}
    try:
        with working(f"asking {host.name}") if is_interactive() else nullcontext():
            return admin.discover(host.id, {**common, **{name: value for name, value in more.items() if value}})
    except DeclinedError as error:
        if not options.dry_run or error.path != "credential":
            raise
        note("Without a credential the host cannot be asked; this is what the catalog says.")
        return None


def _found(discovery: Discovery) -> list[dict[str, object]]:
    """Return what can be connected of what was found.

    Raises:
        ConfigurationError: Nothing.
    """
    members = ("name", "model", "operations", "region", "facts")
    usable = [one for one in discovery.models if one.standing != "left out"]
    if not usable:
        hint = "`--all` takes models too that the catalog does not know." if discovery.further else None
        raise ConfigurationError("the host lists nothing that could be connected.", path="--model", hint=hint)
    return [{name: getattr(one, name) for name in members} for one in usable]


def _agreed(admin: Admin, host: Host, wanted: dict[str, object]) -> bool:
    """Say what would be made and would leave, and ask the person there; where nobody is, the command itself said so."""
    say_connected(admin.connect(host.id, wanted))
    return input("Make these routes? [y/N] ").strip().lower() in {"y", "yes"}


def say_discovery(found: Discovery) -> None:
    """Show what the host said, with what is left out and why."""
    note(escape(found.checked))
    show_table(_COLUMNS, [_row(one) for one in found.models])
    for one in found.models:
        if one.why:
            note(f"[dim]{escape(in_one_line(f'{one.name} is left out: {one.why}'))}.[/dim]")
    if found.further:
        note(f"{found.further} further models are listed that the catalog does not know: `--all` shows and takes them.")
    for name in found.vanished:
        note(f"[yellow]{escape(name)} is not listed any more[/yellow]; it was left as it is (`hortus models`).")
    for line in found.notes:
        note(escape(in_one_line(line)))


def _row(one: DiscoveredModel) -> tuple[object, ...]:
    price = "known" if one.has_price else "unknown"
    return in_one_line(one.name), in_one_line(one.route), one.operations, one.place or "unknown", price, one.standing


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
