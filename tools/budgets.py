"""Measures the tree against the house's budgets and fails above a limit: files, functions, arguments, complexity.

Usage: budgets.py [DIRECTORY …]; default src/hortus, tools.
"""

from __future__ import annotations

import ast
import sys
from pathlib import Path
from typing import NamedTuple

FILE_WANTED, FILE_LIMIT = 300, 500
FUNCTION_P95, FUNCTION_LIMIT = 40, 60
ARGUMENTS_LIMIT = 6
COMPLEXITY_LIMIT = 10
DIALECT_LIMIT = 3600
"""Above the house's 2,000: each holds a relay and both directions of requests, answers, streams, errors and, where the
maker has them, embeddings and counts (docs/decisions/0009-canonical-form.md)."""

Function = ast.FunctionDef | ast.AsyncFunctionDef
_BRANCHES = (ast.If, ast.IfExp, ast.For, ast.AsyncFor, ast.While, ast.ExceptHandler, ast.comprehension, ast.match_case)


class Measured(NamedTuple):
    """One function with its figures."""

    where: str
    lines: int
    arguments: int
    complexity: int


def complexity_of(function: Function) -> int:
    """Return McCabe's number, nested functions counted apart."""
    total, waiting = 1, list(ast.iter_child_nodes(function))
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            continue
        if isinstance(node, ast.BoolOp):
            total += len(node.values) - 1
        total += isinstance(node, _BRANCHES)
        waiting.extend(ast.iter_child_nodes(node))
    return total


def measure(file: Path) -> list[Measured]:
    """Return the figures of every function in a file."""
    found = []
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            parameters = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
            named = [one for one in parameters if one.arg not in {"self", "cls"}]
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            found.append(Measured(f"{file}:{node.lineno} {node.name}", lines, len(named), complexity_of(node)))
    return found


def _exempt(file: Path) -> bool:
    return "migrations/versions" in file.as_posix()


def _dialect_sizes(files: dict[Path, int]) -> dict[Path, int]:
    sizes: dict[Path, int] = {}
    for file, lines in files.items():
        if file.parent.parent.name == "dialects":
            sizes[file.parent] = sizes.get(file.parent, 0) + lines
    return sizes


def _over(where: object, what: str, value: int, *, limit: int) -> list[str]:
    return [f"{where}: {what} {value} (limit {limit})"] if value > limit else []


def _breaches(files: dict[Path, int], functions: list[Measured]) -> list[str]:
    found = _over("functions", "length p95", _p95(functions), limit=FUNCTION_P95)
    for file, lines in files.items():
        found += _over(file, "lines", lines, limit=FILE_LIMIT)
    for folder, lines in _dialect_sizes(files).items():
        found += _over(folder, "lines", lines, limit=DIALECT_LIMIT)
    for one in functions:
        found += _over(one.where, "lines", one.lines, limit=FUNCTION_LIMIT)
        found += _over(one.where, "arguments", one.arguments, limit=ARGUMENTS_LIMIT)
        found += _over(one.where, "complexity", one.complexity, limit=COMPLEXITY_LIMIT)
    return found


def _p95(functions: list[Measured]) -> int:
    lengths = sorted(one.lines for one in functions)
    return lengths[min(len(lengths) - 1, int(len(lengths) * 0.95))]


def _count_lines(directories: list[str]) -> dict[Path, int]:
    roots = [Path(name) for name in directories or ["src/hortus", "tools"]]
    files = [file for root in roots for file in sorted(root.rglob("*.py")) if not _exempt(file)]
    return {file: file.read_text("utf-8").count("\n") for file in files}


def main(directories: list[str]) -> int:
    """Print the figures, then every breach; 1 if there is one."""
    files = _count_lines(directories)
    functions = [one for file in files for one in measure(file)]
    print(f"files        {len(files):5}   lines {sum(files.values()):6}   longest {max(files.values())}")
    print(f"over {FILE_WANTED} lines (wanted): {sum(lines > FILE_WANTED for lines in files.values())}")
    print(f"functions    {len(functions):5}   p95 {_p95(functions):3}   longest {max(one.lines for one in functions)}")
    print(f"arguments    most {max(one.arguments for one in functions)}")
    print(f"complexity   most {max(one.complexity for one in functions)}")
    breaches = _breaches(files, functions)
    for breach in breaches:
        print(f"over budget: {breach}")
    return 1 if breaches else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
