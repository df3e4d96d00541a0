"""A group of commands of which the first runs when none is named: `hortus keys` lists keys."""

from __future__ import annotations

from typing import TYPE_CHECKING

from typer.core import TyperGroup

if TYPE_CHECKING:
    import typer


class FirstUnlessNamed(TyperGroup):
    """Puts the name of its first command before arguments that name none; `--help` still shows the group."""

    def parse_args(self, ctx: typer.Context, args: list[str]) -> list[str]:  # type: ignore[override,explicit-override]  # typing.override comes with Python 3.12
        """Read the arguments, with the first command's name added where no command is named."""
        is_named = bool(args) and (args[0] in self.commands or args[0] in ctx.help_option_names)
        if not is_named:
            args = [next(iter(self.commands)), *args]
        return super().parse_args(ctx, args)
