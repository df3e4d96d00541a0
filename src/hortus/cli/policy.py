"""`hortus policy`: what may go where; the verdict on a request before it is sent, and a draft on what was sent."""

from __future__ import annotations

from typing import Annotated

import msgspec
import typer

from hortus.cli.admin import Admin
from hortus.cli.defaults import FirstUnlessNamed
from hortus.cli.options import takes
from hortus.cli.policyoptions import Rules, rules_of
from hortus.cli.policyreplies import Explanation, Rehearsal
from hortus.cli.policywords import show_explanation, show_policies, show_policy, show_rehearsal
from hortus.cli.screen import note, show_json

app = typer.Typer(
    cls=FirstUnlessNamed,
    add_completion=False,
    help="Say what may go where: countries, laws, retention, personal data.",
    epilog="Alone it lists them. `hortus projects set NAME --policy POLICY` gives a project one.",
)

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Name = Annotated[str, typer.Argument(help="The policy's name.")]


class Question(msgspec.Struct, frozen=True):
    """Options of `policy explain`."""

    route: Annotated[str, typer.Option(help="The name that would stand in `model`.")]
    key: Annotated[str | None, typer.Option(help="Who would ask: a key, by id or by a name that no other has.")] = None
    project: Annotated[str | None, typer.Option(help="Or a project.")] = None
    draft: Annotated[str | None, typer.Option(help="Judge by this policy instead of the project's own.")] = None
    operation: Annotated[str | None, typer.Option(help="What is asked, such as chat, ocr or realtime.")] = None
    request_bytes: Annotated[int | None, typer.Option(min=0, help="Length of the request's body.")] = None
    tool: Annotated[list[str] | None, typer.Option(help="A kind of tool that it brings; repeat it.")] = None
    history: Annotated[bool, typer.Option("--history", help="It points at what a host keeps.")] = False
    json: AsJson = False


@app.command("list")
def list_policies(
    *, all_: Annotated[bool, typer.Option("--all", help="Retired ones too.")] = False, json: AsJson = False
) -> None:
    """List policies, the ready-made ones among them, and who uses them."""
    found = Admin.here().policies(include_retired=all_)
    show_json(found) if json else show_policies(found)


@app.command()
def show(name: Name, *, json: AsJson = False) -> None:
    """Show what a policy demands, one line for each rule."""
    found = Admin.here().policy(name)
    show_json(found) if json else show_policy(found)


@app.command("create")
@takes(Rules)
def create(options: Rules) -> None:
    """Declare a policy; projects have it when they are told to."""
    _declare(options, is_new=True)


@app.command("replace")
@takes(Rules)
def replace(options: Rules) -> None:
    """Change a policy as a whole: what is not given is not demanded. `--like` its own name keeps the rest."""
    _declare(options, is_new=False)


@app.command()
def retire(name: Name, *, json: AsJson = False) -> None:
    """Take a policy out of use; refused while a project has it."""
    retired = Admin.here().retire_policy(name)
    show_json(retired) if json else note(f"Policy {retired.name} is retired.")


@app.command("explain")
@takes(Question)
def explain(options: Question) -> None:
    """Say what would happen to a request, endpoint by endpoint, without sending anything."""
    asked = {
        "route": options.route,
        "key": options.key,
        "project": options.project if options.project or options.key else "default",
        "draft": options.draft,
        "operation": options.operation,
        "request_bytes": options.request_bytes,
        "names_history": "true" if options.history else None,
    }
    said = Admin.here().explain(asked, tools=tuple(options.tool or ()))
    show_json(said) if options.json else show_explanation(msgspec.json.decode(said, type=Explanation))


@app.command()
def rehearse(
    *,
    policy: Annotated[str, typer.Option(help="The policy to try.")],
    project: Annotated[str, typer.Option(help="Whose requests it is held against.")] = "default",
    days: Annotated[int, typer.Option(min=1, max=366, help="How far back.")] = 7,
    json: AsJson = False,
) -> None:
    """Hold a policy against what a project sent, and list what would have gone otherwise."""
    answer = Admin.here().rehearse(project=project, draft=policy, days=days)
    if json:
        show_json(answer)
        return
    found = msgspec.json.decode(answer, type=Rehearsal)
    show_rehearsal(found)
    if not found.requests:
        note(f"Project {found.project} has sent nothing in this time.")


def _declare(options: Rules, *, is_new: bool) -> None:
    admin = Admin.here()
    like = admin.policy(options.like).rules if options.like is not None else {}
    made = admin.declare_policy(options.name, {**like, **rules_of(options)}, is_new=is_new)
    if options.json:
        show_json(made)
        return
    show_policy(made)
    if not made.projects:
        note(f"No project has it yet: `hortus projects set NAME --policy {made.name}`.")
