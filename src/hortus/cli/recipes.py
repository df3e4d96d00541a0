"""What people give for a training: strict TOML or JSON files of settings and of words, and options that go before."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, TypeVar

import msgspec
import typer

from hortus.base.errors import ConfigurationError
from hortus.jobs.spec import ALL_LINEAR, About, Lora, Recipe

_PLAIN = ("epochs", "steps", "batch_size", "learning_rate", "max_tokens", "seed", "patience", "schedule", "threads")

_Kind = TypeVar("_Kind", Recipe, About)


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Options that say how training goes; where one is not given, the recipe's file or the default says."""

    lora: Annotated[
        bool | None, typer.Option("--lora/--full", help="Learn a small adapter (the default), or all weights.")
    ] = None
    rank: Annotated[int | None, typer.Option(min=1, help="Inner width of the adapter.")] = None
    embeddings: Annotated[
        bool | None, typer.Option("--embeddings/--no-embeddings", help="Let embeddings learn beside the adapter.")
    ] = None
    epochs: Annotated[float | None, typer.Option(min=0.001, help="How often every example is seen.")] = None
    steps: Annotated[int | None, typer.Option(min=1, help="Train so many steps, whatever the epochs.")] = None
    batch_size: Annotated[int | None, typer.Option(min=1, help="Examples in one step.")] = None
    learning_rate: Annotated[float | None, typer.Option(min=0, help="The highest one.")] = None
    schedule: Annotated[str | None, typer.Option(help="constant, linear or cosine.")] = None
    max_tokens: Annotated[int | None, typer.Option(min=1, help="Longest example.")] = None
    seed: Annotated[int | None, typer.Option(help="Of weights, order and dropout.")] = None
    patience: Annotated[
        int | None, typer.Option(min=1, help="Stop after so many looks without a lower held-out loss.")
    ] = None
    threads: Annotated[int | None, typer.Option(min=0, help="Of the processor; 0: all.")] = None


def read_recipe(path: Path | None) -> Recipe:
    """Return the recipe in a file, the usual one without a file.

    Raises:
        ConfigurationError: It cannot be read, or a setting in it is unknown or cannot be.
    """
    return Recipe() if path is None else _read(path, Recipe, called="A recipe")


def read_about(path: Path | None) -> About:
    """Return what a file says of the product, nothing without a file.

    Raises:
        ConfigurationError: It cannot be read, or a member of it is unknown or cannot be.
    """
    return About() if path is None else _read(path, About, called="What people say of a product")


def _read(path: Path, kind: type[_Kind], *, called: str) -> _Kind:
    hint = f"{called} has: {', '.join(kind.__struct_fields__)}."
    try:
        data = path.read_bytes()
        if path.suffix == ".toml":
            return msgspec.toml.decode(data, type=kind)
        return msgspec.json.decode(data, type=kind)
    except OSError as error:
        raise ConfigurationError(f"cannot be read: {error.strerror}.", path=str(path)) from error
    except msgspec.ValidationError as error:
        message, _, where = str(error).partition(" - at `$")
        raise ConfigurationError(f"{message}.", path=f"{path} {where.strip('.`')}".strip(), hint=hint) from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        word = "TOML" if path.suffix == ".toml" else "JSON"
        raise ConfigurationError(f"this is no {word}: {error}.", path=str(path), hint=hint) from error


def recipe_of(options: Settings, recipe: Recipe) -> Recipe:
    """Return the recipe with the options that were given.

    Raises:
        ConfigurationError: They contradict one another, or are no such word.
    """
    given = {name: getattr(options, name) for name in _PLAIN if getattr(options, name) is not None}
    changed = {**msgspec.to_builtins(recipe), **given, "lora": _lora_of(options, recipe.lora)}
    try:
        return msgspec.convert(changed, Recipe)
    except msgspec.ValidationError as error:
        raise ConfigurationError(f"{error}.", path="hortus train", hint="See `hortus train --help`.") from error


def _lora_of(options: Settings, lora: Lora | None) -> dict[str, Any] | None:
    wanted = {"rank": options.rank, "embeddings": options.embeddings}
    changes = {name: value for name, value in wanted.items() if value is not None}
    if options.lora is False or (lora is None and not options.lora and not changes):
        if changes:
            raise ConfigurationError(
                "all weights learn, so there is no adapter.", path="--full", hint="Leave out --rank and --embeddings."
            )
        return None
    base = lora or Lora(targets=(ALL_LINEAR,))
    return {**msgspec.to_builtins(base), **changes}
