"""How checked examples lie in a dataset's Parquet files: one row each, written by the check, read by trainer and gate.

Only processes of steps import this: pyarrow is large.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, Literal

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

TRAIN = "train.parquet"
HELD_OUT = "held_out.parquet"

Message = dict[str, Any]
"""As OpenAI's chat API has it; a call's arguments are JSON in a string."""
Source = Literal["training", "validation"]

UNKNOWN_TOKENS = -1

_ROWS = 4096
_SCHEMA = pa.schema(
    [
        pa.field("id", pa.string(), nullable=False),
        pa.field("line", pa.int64(), nullable=False),
        pa.field("prompt", pa.string(), nullable=False),
        pa.field("answer", pa.string(), nullable=False),
        pa.field("rejected", pa.string()),
        pa.field("tools", pa.string()),
        pa.field("tokens", pa.int64(), nullable=False),
        pa.field("source", pa.string(), nullable=False),
    ]
)
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode


class Example(msgspec.Struct, frozen=True):
    """One thing to learn.

    Attributes:
        id: SHA-256 of what it says, however its line was spelled.
        line: Of its file, counted from 1.
        prompt: The messages before the answer; empty for plain text, which is learnt without a chat template.
        answer: The assistant's message; of a preference the chosen one.
        rejected: Of a preference the other one.
        tools: What the assistant may call, as OpenAI's `tools`.
        tokens: All of it (with the chosen answer) under the base's tokenizer and chat template; -1: unknown.
        source: The file that it came from.
    """

    id: str
    line: int
    prompt: list[Message]
    answer: Message
    rejected: Message | None = None
    tools: list[dict[str, Any]] | None = None
    tokens: int = UNKNOWN_TOKENS
    source: Source = "training"

    @property
    def is_text(self) -> bool:
        """Whether it is plain text: `answer["content"]` is all of it."""
        return not self.prompt


def for_template(messages: Sequence[Message]) -> list[Message]:
    """Return messages as chat templates expect them: arguments of calls are objects there, not JSON in a string."""
    return [_called(one) if one.get("tool_calls") else one for one in messages]


def _called(message: Message) -> Message:
    return {**message, "tool_calls": [_call(one) for one in message["tool_calls"]]}


def _call(call: dict[str, Any]) -> dict[str, Any]:
    function = call["function"]
    arguments = function.get("arguments")
    if not isinstance(arguments, str):
        return call
    return {**call, "function": {**function, "arguments": _decode(arguments or "{}")}}


class ExamplesFile:
    """A new file of examples; the same examples give the same bytes.

    Args:
        path: Must not be there yet.

    Raises:
        OSError: It cannot be written; so do its methods.
    """

    def __init__(self, path: Path) -> None:
        self._file = path.open("xb")
        self._writer = pq.ParquetWriter(self._file, _SCHEMA, compression="zstd", store_schema=False)
        self._rows: list[dict[str, object]] = []
        self.count = 0

    def add(self, example: Example) -> None:
        """Add one."""
        self._rows.append(_row(example))
        self.count += 1
        if len(self._rows) == _ROWS:
            self._write()

    def close(self) -> None:
        """End the file and bring it to the disk."""
        if self._rows:
            self._write()
        self._writer.close()
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()

    def _write(self) -> None:
        self._writer.write_batch(pa.RecordBatch.from_pylist(self._rows, schema=_SCHEMA))
        self._rows = []


def write_examples(path: Path, examples: Iterable[Example]) -> int:
    """Write examples to a new file, brought to the disk, and return how many.

    Raises:
        OSError: It cannot be written.
    """
    with closing(ExamplesFile(path)) as file:
        for one in examples:
            file.add(one)
    return file.count


def read_examples(path: Path) -> Iterator[Example]:
    """Yield the examples of a file in their order.

    Raises:
        OSError: It cannot be read, or is no Parquet file.
    """
    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches(batch_size=_ROWS):
            for row in batch.to_pylist():
                yield _example(row)


def count_examples(path: Path) -> int:
    """Return how many examples a file has, without reading them. Raises OSError."""
    with pq.ParquetFile(path) as file:
        return int(file.metadata.num_rows)


def _row(one: Example) -> dict[str, object]:
    return {
        "id": one.id,
        "line": one.line,
        "prompt": _text(one.prompt),
        "answer": _text(one.answer),
        "rejected": None if one.rejected is None else _text(one.rejected),
        "tools": None if one.tools is None else _text(one.tools),
        "tokens": one.tokens,
        "source": one.source,
    }


def _example(row: dict[str, Any]) -> Example:
    return Example(
        id=row["id"],
        line=row["line"],
        prompt=_decode(row["prompt"]),
        answer=_decode(row["answer"]),
        rejected=None if row["rejected"] is None else _decode(row["rejected"]),
        tools=None if row["tools"] is None else _decode(row["tools"]),
        tokens=row["tokens"],
        source=row["source"],
    )


def _text(value: object) -> str:
    return _encode(value).decode()
