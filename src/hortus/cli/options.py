"""Options as values: turns `command(options: SomeStruct)` into a function whose parameters Typer reads.

A command with more than a handful of options takes one Struct; each field becomes a parameter, its annotation
(`Annotated[…, typer.Option(…)]`) says how it looks on the command line.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, get_type_hints

import msgspec


def takes(struct: type[msgspec.Struct]) -> Callable[[Callable[[Any], None]], Callable[..., None]]:
    """Make a decorator that gives a command the parameters that `struct` has fields for."""

    def decorate(command: Callable[[Any], None]) -> Callable[..., None]:
        def call(**values: Any) -> None:
            command(struct(**values))

        hints = get_type_hints(struct, include_extras=True)
        call.__doc__ = command.__doc__
        call.__annotations__ = hints
        call.__signature__ = inspect.Signature(  # type: ignore[attr-defined]  # read by inspect.signature, and so by Typer
            [
                inspect.Parameter(
                    field.name,
                    inspect.Parameter.KEYWORD_ONLY,
                    default=inspect.Parameter.empty if field.required else field.default,
                    annotation=hints[field.name],
                )
                for field in msgspec.structs.fields(struct)
            ]
        )
        return call

    return decorate
