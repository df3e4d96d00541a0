"""One line for each request on standard error: JSON, or text on a terminal; written at once, never waited for."""

from __future__ import annotations

import os
import sys
from typing import Literal

import msgspec

from hortus.app.logs import dim, dims_terminal
from hortus.base.time import Clock, format_utc
from hortus.gateway.settle import AccessLine


class StandardErrorLog:
    """Writes the lines of one process.

    Args:
        process: Such as `worker-1`.
        form: `json`, `text`, or `auto` (text on a terminal).
        clock: Dates the lines.
    """

    def __init__(self, process: str, *, form: Literal["auto", "json", "text"], clock: Clock) -> None:
        self._is_text = form == "text" or (form == "auto" and sys.stderr.isatty())
        self._is_dimmed = self._is_text and dims_terminal()
        self._process = process
        self._clock = clock
        self._encode = msgspec.json.Encoder().encode
        self._middle = b',"level":"info","process":%b,"event":"request",' % self._encode(process)
        self._second = -1
        self._second_text = ""

    def write(self, line: AccessLine) -> None:
        """Write one line; a standard error that is closed loses it."""
        stamp = self._stamp()
        data = self._text(stamp, line) if self._is_text else self._json(stamp, line)
        try:
            os.write(2, data)
        except OSError:
            return  # nobody reads; the receipt has everything

    def _json(self, stamp: str, line: AccessLine) -> bytes:
        return b'{"time":"%b"%b%b\n' % (stamp.encode(), self._middle, self._encode(line)[1:])

    def _text(self, stamp: str, line: AccessLine) -> bytes:
        usage = "" if line.input_tokens is None else f" tokens={line.input_tokens}+{line.output_tokens}"
        after = f" {line.error}" if line.error else " client left" if line.is_gone else ""
        what = f"{line.operation or line.method} {line.route or '-'} {line.status or '-'}{after}"
        text = f"{stamp[11:23]}Z info    {self._process:10} {what} {line.duration_ms:.1f} ms{usage} {line.receipt}"
        return f"{dim(text) if self._is_dimmed else text}\n".encode()

    def _stamp(self) -> str:
        now_ms = self._clock.now_ms()
        second, rest = divmod(now_ms, 1000)
        if second != self._second:
            self._second, self._second_text = second, format_utc(second * 1000)[:20]
        return f"{self._second_text}{rest:03d}Z"
