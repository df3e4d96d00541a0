"""The command line: `hortus …`. `root` holds the table of commands; a module is loaded when its command is called."""

from hortus.cli.root import main

__all__ = ["main"]
