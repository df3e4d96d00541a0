"""The command line: `hortus …`. `root` holds the table of commands; each command's module is loaded when it is called."""

from hortus.cli.root import main

__all__ = ["main"]
