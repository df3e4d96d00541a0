"""What `hortus up` says once everything answers: addresses, makers, the seedling's first answer with its receipt."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import suppress

import msgspec
from rich.console import Console
from rich.markup import escape
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from hortus.app.settings import Loaded, is_loopback
from hortus.app.up import Running
from hortus.base.errors import HortusError
from hortus.catalog.loading import load_catalog
from hortus.catalog.lookup import can_route
from hortus.catalog.rows import Host
from hortus.cli.admin import Admin
from hortus.cli.lit import is_lit
from hortus.cli.ownkey import ask_with_own_key
from hortus.cli.place import find_running
from hortus.cli.receipts import facts_of
from hortus.cli.replies import Endpoint
from hortus.cli.screen import is_interactive, note
from hortus.cli.talk import Heard, Question
from hortus.cli.waiting import wait_for_engine, wait_for_receipt
from hortus.snapshot.surfaces import OPEN_HOSTS

SEEDLING = "seedling"
_PROJECT = "default"
_ENGINE_WITHIN_S = 120.0
_FIRST_QUESTION = "The street lamp in front of my house has been dark for a week. Whom do I tell?"
_RECEIPT_FACTS = ("receipt", "status", "model", "endpoint", "tokens", "cost", "took")


class Welcome:
    """Greets whoever started Hortus.

    Args:
        loaded: Settings of this start.
        console: Where it speaks.
        is_once: Whether a failed first question is a failed start.
    """

    def __init__(self, loaded: Loaded, *, console: Console, is_once: bool) -> None:
        self._loaded = loaded
        self._console = console
        self._is_once = is_once

    def greet_briefly(self, running: Running) -> None:
        """Say where everything is; no token, for a service's output is a log."""
        self._say_addresses(running)
        self._console.print(f"Admin token: in {escape(str(running.home.admin_token))}", soft_wrap=True)

    async def greet(self, running: Running) -> None:
        """Say what there is, offer what could be connected, and ask the first question.

        Raises:
            HortusError: The first question failed and nothing else was wanted.
        """
        self._say_addresses(running)
        if running.new_admin_token:
            self._console.print("Admin token, shown this once (the home's file admin-token keeps it):", style="dim")
            self._console.print(Text(running.new_admin_token), soft_wrap=True)
        admin = Admin(find_running(running.home), running.admin_token)
        await self._say_makers(running, admin)
        if self._loaded.settings.seedling:
            await self._first_question(admin)
        self._say_large()
        if not self._is_once:
            self._say_next(running)

    def _base_url(self, running: Running) -> str:
        return f"{(self._loaded.settings.public_url or running.door_url).rstrip('/')}/v1"

    def _say_addresses(self, running: Running) -> None:
        say = self._console.print
        say(
            f"\n[bold]Hortus is up.[/bold]  Any OpenAI SDK: base URL [bold]{self._base_url(running)}[/bold]",
            soft_wrap=True,
        )
        say(f"Admin API: {running.admin_url}/admin/v1", soft_wrap=True)
        say(f"Home: {escape(str(running.home.root))}", soft_wrap=True)

    async def _say_makers(self, running: Running, admin: Admin) -> None:
        endpoints = await asyncio.to_thread(admin.endpoints)
        connected = {endpoint.host for endpoint in endpoints}
        hosts = sort_hosts(load_catalog().rows.hosts, connected=connected, environment=self._loaded.environment)
        say = self._console.print
        named = [escape(say_host(host, endpoints)) for host in hosts.connected]
        say(f"\nConnected makers and hosts: {', '.join(named) or 'none yet'}.")
        if hosts.dark:
            say("One of these variables, set before the start, would connect another:", style="dim")
            width = max(map(len, hosts.dark)) + 2
            for variable, names in hosts.dark.items():
                say(Text(f"  {variable:<{width}}{', '.join(names)}", style="dim"))
        if hosts.lit:
            say(f"\nA credential is here for: [bold]{', '.join(host.name for host in hosts.lit)}[/bold].")
            await self._offer(running, admin, lit=hosts.lit)

    async def _offer(self, running: Running, admin: Admin, *, lit: Sequence[Host]) -> None:
        """Offer to connect lit hosts; only a person says yes, and only on a fresh installation that is not exposed."""
        say = self._console.print
        may_ask = running.new_admin_token and is_loopback(self._loaded.settings.host) and is_interactive()
        if may_ask and self._loaded.settings.seedling:
            with suppress(HortusError):  # its log lines come before the question, not into it
                await asyncio.to_thread(wait_for_engine, admin, SEEDLING, within_s=_ENGINE_WITHIN_S)
        for host in lit:
            if not may_ask:
                say(f"  Nothing is routed there; [bold]hortus connect {host.id}[/bold] would make its routes.")
                continue
            wanted = {"projects": [_PROJECT]}
            plan = await asyncio.to_thread(admin.connect, host.id, {**wanted, "dry_run": True})
            say(f"\n[bold]{host.name}[/bold] would get {len(plan.routes)} routes. Nothing leaves this machine before;")
            say("then:")
            for line in plan.leaves:
                say(f"  {escape(line)}")
            if await _confirm(f"Connect {host.name} now? [y/N] "):
                made = await asyncio.to_thread(admin.connect, host.id, wanted)
                say(f"Routes: {', '.join(made.routes)}")
            else:
                say(f"Not connected. [bold]hortus connect {host.id}[/bold] does it later.")

    async def _first_question(self, admin: Admin) -> None:
        question = Question(door=admin.installation.door, route=SEEDLING, text=_FIRST_QUESTION)
        self._console.print(
            "\nThe [bold]seedling[/bold] is a tiny model that ships with Hortus. It does one thing:"
            "\nit reads a citizen's message, in one of several European languages, and"
            "\nnames the office that answers it. It cannot chat.\n"
        )
        try:
            await asyncio.to_thread(wait_for_engine, admin, SEEDLING, within_s=_ENGINE_WITHIN_S)
            heard = await asyncio.to_thread(ask_with_own_key, question, admin.installation, on_text=_keep_quiet)
        except HortusError as error:
            if self._is_once:
                raise
            note(f"[yellow]! the first question failed:[/yellow] {escape(str(error))}")
            return
        await self._show_answer(question, heard, admin=admin)

    async def _show_answer(self, question: Question, heard: Heard, *, admin: Admin) -> None:
        receipt = None
        if heard.receipt_id:
            with suppress(HortusError):
                receipt = await asyncio.to_thread(wait_for_receipt, admin, heard.receipt_id)
        facts = facts_of(receipt) if receipt is not None else [("receipt", heard.receipt_id)]
        lines = Table.grid(padding=(0, 2, 0, 0))
        lines.add_row(Text("you", style="dim"), Text(question.text))
        lines.add_row(Text("seedling", style="dim"), Text(heard.text.strip(), style="bold"))
        lines.add_row()
        for name, value in facts:
            if name in _RECEIPT_FACTS and value is not None:
                lines.add_row(Text(name, style="dim"), Text(str(value)))
        self._console.print(Panel(lines, title="first answer, with its receipt", title_align="left", width=80))

    def _say_large(self) -> None:
        say = self._console.print
        say("\nA large model: [bold]hortus connect HOST[/bold] for a maker's; or on this machine, a GGUF")
        say("file or repository of Hugging Face: [bold]hortus deploy OWNER/REPOSITORY --name NAME[/bold]")

    def _say_next(self, running: Running) -> None:
        say = self._console.print
        say("\nNext, in a second terminal:")
        say("  [bold]hortus ask 'Wann kommt die Müllabfuhr?'[/bold]   ask from here")
        say("  [bold]hortus keys create --project me[/bold]           a key for your program, such as:\n")
        say(f'  client = OpenAI(base_url="{self._base_url(running)}", api_key="hortus_sk_…")', soft_wrap=True)
        say(f'  client.chat.completions.create(model="{SEEDLING}", messages=\\[…])')
        say("\nCtrl-C stops it.\n")


class Standing(msgspec.Struct, frozen=True):
    """How the catalog's hosts stand here.

    Attributes:
        lit: Their credential is here, and no endpoint leads there.
        dark: Environment variable that would light a host, and the names of those hosts.
    """

    connected: tuple[Host, ...]
    lit: tuple[Host, ...]
    dark: dict[str, list[str]]


def sort_hosts(hosts: Iterable[Host], *, connected: Collection[str], environment: Mapping[str, str]) -> Standing:
    """Return which hosts are connected, lit or dark; those that cannot be routed to yet are left out."""
    routable = [host for host in hosts if can_route(host)]
    open_ = [host for host in routable if host.id not in connected]
    dark: dict[str, list[str]] = {}
    for host in open_:
        if host.credential_env and not is_lit(host, environment):
            dark.setdefault(host.credential_env, []).append(host.name)
    return Standing(
        connected=tuple(host for host in routable if host.id in connected),
        lit=tuple(host for host in open_ if is_lit(host, environment)),
        dark=dark,
    )


def say_host(host: Host, endpoints: Iterable[Endpoint]) -> str:
    """Return a connected host's name, with the reason where none of its endpoints can be used.

    A host that the catalog does not know goes by the names of its endpoints.
    """
    there = [endpoint for endpoint in endpoints if endpoint.host == host.id]
    name = ", ".join(endpoint.name for endpoint in there) if host.id in OPEN_HOSTS else host.name
    reason = next((endpoint.reason for endpoint in there if endpoint.reason), None)
    is_usable = any(endpoint.is_usable for endpoint in there)
    return name if is_usable or reason is None else f"{name} ({reason})"


def _keep_quiet(_: str) -> None:
    """The answer is shown whole."""


async def _confirm(question: str) -> bool:
    """Ask a person; the wait ends with the process, as no thread blocks on the terminal."""
    sys.stderr.write(question)
    sys.stderr.flush()
    loop = asyncio.get_running_loop()
    answered: asyncio.Future[None] = loop.create_future()
    loop.add_reader(sys.stdin.fileno(), _finish, answered)
    try:
        await answered
    finally:
        loop.remove_reader(sys.stdin.fileno())
    return sys.stdin.readline().strip().lower() in {"y", "yes"}


def _finish(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)
