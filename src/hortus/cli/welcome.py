"""What `hortus up` says once everything answers: addresses, makers, the seedling's first answer with its receipt."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from contextlib import suppress

from rich.console import Console, Group
from rich.markup import escape
from rich.panel import Panel
from rich.text import Text

from hortus.app.settings import Loaded, is_loopback
from hortus.app.up import Running
from hortus.base.errors import HortusError
from hortus.catalog.loading import load_catalog
from hortus.catalog.lookup import can_route
from hortus.catalog.rows import Host
from hortus.cli.admin import Admin
from hortus.cli.lit import is_lit
from hortus.cli.place import find_running
from hortus.cli.receipts import facts_of
from hortus.cli.screen import is_interactive, note
from hortus.cli.talk import Heard, Question
from hortus.cli.waiting import wait_for_engine, wait_for_receipt
from hortus.cli.wire import ask_door

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

    async def greet_briefly(self, running: Running) -> None:
        """Say where the door is, and the admin token on the first start."""
        self._say_addresses(running)

    async def greet(self, running: Running) -> None:
        """Say what there is, offer what could be connected, and ask the first question.

        Raises:
            HortusError: The first question failed and nothing else was wanted.
        """
        self._say_addresses(running)
        admin = Admin(find_running(running.home), running.admin_token)
        await self._say_makers(running, admin)
        if self._loaded.settings.seedling:
            await self._first_question(admin)
        if not self._is_once:
            self._say_next()

    def _say_addresses(self, running: Running) -> None:
        say = self._console.print
        say(f"\n[bold]Hortus is up.[/bold]  Any OpenAI SDK: base URL [bold]{running.door_url}/v1[/bold]")
        say(f"Admin API: {running.admin_url}/admin/v1   Home: {escape(str(running.home.root))}")
        if running.new_admin_token:
            say("Admin token, shown this once (the home's file admin-token keeps it):", style="dim")
            say(Text(running.new_admin_token), soft_wrap=True)

    async def _say_makers(self, running: Running, admin: Admin) -> None:
        hosts = [host for host in load_catalog().rows.hosts if can_route(host)]
        connected = {endpoint.host for endpoint in await asyncio.to_thread(admin.endpoints)}
        lit = [host for host in hosts if host.id not in connected and is_lit(host, self._loaded.environment)]
        dark = [host for host in hosts if host.id not in connected and host not in lit and host.credential_env]
        names = [host.name for host in hosts if host.id in connected]
        self._console.print(f"\nConnected makers and hosts: {', '.join(names) if names else 'none yet'}.")
        if dark:
            self._console.print("These variables would connect others (set one, start again):", style="dim")
            for host in dark:
                self._console.print(f"  {host.credential_env:<28} {escape(host.name)}", style="dim")
        if lit:
            await self._offer(running, admin, lit=lit)

    async def _offer(self, running: Running, admin: Admin, *, lit: Sequence[Host]) -> None:
        """Offer to connect lit hosts; only a person says yes, and only on a fresh installation that is not exposed."""
        say = self._console.print
        say(
            f"\nA credential is here for: [bold]{', '.join(host.name for host in lit)}[/bold]; nothing is routed there."
        )
        may_ask = running.new_admin_token and is_loopback(self._loaded.settings.host) and is_interactive()
        for host in lit:
            if not may_ask:
                say(f"  Connect it with [bold]hortus connect {host.id}[/bold].")
                continue
            place = host.country or "a place that the catalog does not know"
            say(f"  {host.name} is run by {host.operator} and computes in {place}. Once connected, what")
            say("  clients send to its routes leaves this machine (prompts, files, tool results); nothing else does.")
            if await _confirm(f"  Connect {host.name} now? [y/N] "):
                made = await asyncio.to_thread(admin.connect, host.id, {"projects": [_PROJECT]})
                say(f"  Routes: {', '.join(made.routes)}")

    async def _first_question(self, admin: Admin) -> None:
        question = Question(door=admin.installation.door, route=SEEDLING, text=_FIRST_QUESTION)
        self._console.print(
            "\nThe [bold]seedling[/bold] is a tiny model that ships with Hortus. It does one thing:"
            "\nit reads a citizen's message, in one of several European languages, and names the"
            "\noffice that answers it. It cannot chat.\n"
        )
        try:
            heard = await _ask_with_new_key(question, admin)
        except HortusError as error:
            if self._is_once:
                raise
            note(f"[yellow]! the first question failed:[/yellow] {escape(str(error))}")
            return
        await self._show_answer(question, heard, admin=admin)

    async def _show_answer(self, question: Question, heard: Heard, *, admin: Admin) -> None:
        lines = [_line("you", question.text), _line("seedling", heard.text, style="bold"), Text()]
        receipt = None
        if heard.receipt_id:
            with suppress(HortusError):
                receipt = await asyncio.to_thread(wait_for_receipt, admin, heard.receipt_id)
        facts = facts_of(receipt) if receipt is not None else [("receipt", heard.receipt_id)]
        lines += [_line(name, str(value)) for name, value in facts if name in _RECEIPT_FACTS and value is not None]
        self._console.print(Panel(Group(*lines), title="first answer, with its receipt", title_align="left", width=80))

    def _say_next(self) -> None:
        say = self._console.print
        say("\nNext:  [bold]hortus keys create --project me[/bold]         a key for your program")
        say("       [bold]hortus ask 'Wann kommt die Müllabfuhr?'[/bold]  ask from here")
        say("A large model: [bold]hortus connect HOST[/bold] for a maker's; or on this machine, a GGUF")
        say("file or repository of Hugging Face: [bold]hortus deploy OWNER/REPOSITORY --name NAME[/bold]")
        say("Ctrl-C stops it.\n")


def _line(name: str, text: str, *, style: str = "") -> Text:
    return Text.assemble((f"{name:<10}", "dim"), (text, style))


async def _ask_with_new_key(question: Question, admin: Admin) -> Heard:
    """Ask with a key that lives for this question only."""
    await asyncio.to_thread(wait_for_engine, admin, question.route, within_s=_ENGINE_WITHIN_S)
    made = await asyncio.to_thread(admin.create_key, project=_PROJECT, name="first question", days=1)
    try:
        return await asyncio.to_thread(ask_door, question, made.key, ca_bundle=admin.installation.ca_bundle)
    finally:
        await asyncio.to_thread(admin.revoke_key, made.id)


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
