"""`hortus tls`: a certificate for development, for clients that send a key over TLS only."""

from __future__ import annotations

from typing import Annotated

import typer

from hortus.app.clock import SystemClock
from hortus.app.devtls import LONGEST_DAYS, ensure_certificate
from hortus.base.time import format_utc
from hortus.cli.place import find_local_home
from hortus.cli.screen import note, show_json, show_line

app = typer.Typer(add_completion=False, no_args_is_help=True, help="Certificates for the door.")


@app.callback()
def _group() -> None:
    """Certificates for the door."""


@app.command()
def dev(
    *,
    name: Annotated[
        list[str] | None, typer.Option(help="A further name or address of this machine. Repeat it for several.")
    ] = None,
    days: Annotated[
        int, typer.Option(min=1, max=LONGEST_DAYS, help="How long a new certificate is good; it is renewed before.")
    ] = 90,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Make a certificate for localhost, and the authority that vouches for it; or renew them."""
    made = ensure_certificate(find_local_home(), names=tuple(name or ()), days=days, clock=SystemClock())
    files = made.files
    if json:
        show_json(made)
        return
    show_line(f"HORTUS_TLS_CERT={files.chain}")
    show_line(f"HORTUS_TLS_KEY={files.key}")
    show_line(f"AWS_CA_BUNDLE={files.authority}")
    ends = format_utc(made.expires_at_ms)[:10]
    note(f"{'Made' if made.is_new else 'Still good'}: for {', '.join(made.names)}, until {ends}.")
    note("The first two are for `hortus up`, the third for boto3 and the aws command.")
    note("Other clients find the authority by SSL_CERT_FILE (OpenAI, Anthropic, Google and Mistral in Python),")
    note("REQUESTS_CA_BUNDLE or NODE_EXTRA_CA_CERTS. Set them for the client alone: some put this authority in")
    note("the place of all others. For development only: elsewhere, use a certificate of your own.")
