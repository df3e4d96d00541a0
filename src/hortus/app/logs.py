"""Log lines of every process: JSON, or text on a terminal; UTC; never content or secrets."""

from __future__ import annotations

import logging
import sys
from typing import Any

import msgspec
from typing_extensions import override

from hortus.app.settings import read_environment
from hortus.base.time import format_utc

_STANDARD = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "taskName"}


def dims_terminal() -> bool:
    """Tell whether lines go to a terminal that shows them dimmed, so that what is said to people stands out."""
    environment = read_environment()
    return sys.stderr.isatty() and not environment.get("NO_COLOR") and environment.get("TERM", "dumb") != "dumb"


def dim(text: str) -> str:
    """Return text that a terminal shows dimmed."""
    return f"\x1b[2m{text}\x1b[22m"


def start_logs(role: str, *, form: str, level: str) -> None:
    """Send this process's log lines to standard error.

    Args:
        role: Which process this is, such as `worker-1`.
        form: `json`, `text`, or `auto` (text on a terminal).
        level: `debug`, `info`, `warning` or `error`.
    """
    is_text = form == "text" or (form == "auto" and sys.stderr.isatty())
    target = logging.StreamHandler(sys.stderr)
    target.setFormatter(_TextLines(role) if is_text else _JsonLines(role))
    root = logging.getLogger()
    root.handlers[:] = [target]
    root.setLevel(level.upper())
    for noisy in ("uvicorn.error", "uvicorn.access", "alembic", "asyncio"):
        logging.getLogger(noisy).setLevel("WARNING")


def _extras(record: logging.LogRecord) -> dict[str, Any]:
    return {name: value for name, value in record.__dict__.items() if name not in _STANDARD}


class _JsonLines(logging.Formatter):
    def __init__(self, role: str) -> None:
        super().__init__()
        self._role = role
        self._encode = msgspec.json.Encoder(enc_hook=str).encode

    @override
    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": format_utc(int(record.created * 1000)),
            "level": record.levelname.lower(),
            "process": self._role,
            "event": record.getMessage(),
            **_extras(record),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return self._encode(line).decode()


class _TextLines(logging.Formatter):
    def __init__(self, role: str) -> None:
        super().__init__()
        self._role = role
        self._is_dimmed = dims_terminal()

    @override
    def format(self, record: logging.LogRecord) -> str:
        extras = " ".join(f"{name}={value}" for name, value in _extras(record).items() if value is not None)
        stamp = format_utc(int(record.created * 1000))[11:23]
        line = f"{stamp}Z {record.levelname.lower():7} {self._role:10} {record.getMessage()} {extras}".rstrip()
        if self._is_dimmed and record.levelno < logging.WARNING:
            line = dim(line)
        return f"{line}\n{self.formatException(record.exc_info)}" if record.exc_info else line
