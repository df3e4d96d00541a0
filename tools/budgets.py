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
DIALECT_WANTED, DIALECT_LIMIT = 1200, 2000

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


def _breaches(files: dict[Path, int], functions: list[Measured]) -> list[str]:
    found = [f"{file}: {lines} lines (limit {FILE_LIMIT})" for file, lines in files.items() if lines > FILE_LIMIT]
    for one in functions:
        if one.lines > FUNCTION_LIMIT:
            found.append(f"{one.where}: {one.lines} lines (limit {FUNCTION_LIMIT})")
        if one.arguments > ARGUMENTS_LIMIT:
            found.append(f"{one.where}: {one.arguments} arguments (limit {ARGUMENTS_LIMIT})")
        if one.complexity > COMPLEXITY_LIMIT:
            found.append(f"{one.where}: complexity {one.complexity} (limit {COMPLEXITY_LIMIT})")
    lengths = sorted(one.lines for one in functions) or [0]
    p95 = lengths[min(len(lengths) - 1, int(len(lengths) * 0.95))]
    if p95 > FUNCTION_P95:
        found.append(f"function length p95 is {p95} (limit {FUNCTION_P95})")
    dialects: dict[Path, int] = {}
    for file, lines in files.items():
        if file.parent.parent.name == "dialects":
            dialects[file.parent] = dialects.get(file.parent, 0) + lines
    found += [f"{d}: {n} lines (limit {DIALECT_LIMIT})" for d, n in dialects.items() if n > DIALECT_LIMIT]
    return found


def main(directories: list[str]) -> int:
    """Print the figures, then every breach; 1 if there is one."""
    roots = [Path(name) for name in directories or ["src/hortus", "tools"]]
    files = {
        file: file.read_text("utf-8").count("\n")
        for root in roots
        for file in sorted(root.rglob("*.py"))
        if not _exempt(file)
    }
    functions = [one for file in files for one in measure(file)]
    lengths = sorted(one.lines for one in functions) or [0]
    print(f"files        {len(files):5}   lines {sum(files.values()):6}   longest {max(files.values(), default=0)}")
    print(f"over {FILE_WANTED} lines (wanted): {sum(lines > FILE_WANTED for lines in files.values())}")
    print(f"functions    {len(functions):5}   p95 {lengths[int(len(lengths) * 0.95) - 1]:3}   longest {lengths[-1]}")
    print(f"arguments    most {max((one.arguments for one in functions), default=0)}")
    print(f"complexity   most {max((one.complexity for one in functions), default=0)}")
    breaches = _breaches(files, functions)
    for breach in breaches:
        print(f"over budget: {breach}")
    return 1 if breaches else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
