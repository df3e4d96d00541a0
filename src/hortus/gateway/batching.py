"""What do the requests in a file for a batch ask for? Each line is read before anything is sent, as if it came alone.

What they ask together is noted with the file: a batch that is made of it names nothing but the file.
"""

from __future__ import annotations

import asyncio
from array import array
from collections.abc import Mapping
from datetime import date
from hashlib import blake2b
from typing import Final

from msgspec.structs import replace

from hortus.canon.dialect import Asked, Dialect, HostId, Operation
from hortus.canon.errors import CallerFault, InvalidRequest, RefusedByPolicy
from hortus.canon.units import Units
from hortus.canon.work import Work
from hortus.content.spool import PIECE_BYTES
from hortus.framing.places import places_in
from hortus.framing.request_lines import LONGEST_LINE_BYTES, MOST_LINES, Line, read_line
from hortus.gateway.choose import need_of
from hortus.gateway.guards.screen import LONGEST_TEXT
from hortus.gateway.judging import Judged
from hortus.gateway.spelling import refuse_other_spellings
from hortus.gateway.uploads import Places, Requests, Upload
from hortus.snapshot.resolved import Target, Unusable

Served = Mapping[str, tuple[str, str]]
"""Addresses that lines may name, to dialect and operation."""

_MOST_NAMED: Final = 1000
"""Files that the lines may name together, each of which has to be the project's."""

_MODEL: Final = "model"
_CUSTOM_ID: Final = "custom_id"


class LinesReader:
    """Reads the lines of one file.

    Args:
        served: Which addresses they may name.
        dialects: All of the door, by name.
        start: Where the file begins in its form, in bytes.
    """

    def __init__(self, served: Served, dialects: Mapping[str, Dialect], *, start: int) -> None:
        self._served = served
        self._dialects = dialects
        self._held = b""
        self._at = start
        self._number = 0
        self._url = self._route = ""
        self._seen: set[int] = set()
        self._ids: dict[HostId, None] = {}
        self._tools: set[str] = set()
        self._texts: list[bytes] = []
        self._texts_bytes = 0
        self._places = Places(array("Q"), array("Q"))
        self._work = Work("", "")

    def feed(self, data: bytes) -> None:
        """Take the next bytes of the file.

        Raises:
            InvalidRequest: A line cannot go; the message has its number.
        """
        *lines, self._held = (self._held + data).split(b"\n")
        for line in lines:
            self._take(line)
            self._at += len(line) + 1
        if len(self._held) > LONGEST_LINE_BYTES:
            raise self._too_long()

    def close(self) -> Requests:
        """Return what they ask for; there are no more bytes. Raises as `feed`."""
        self._take(self._held)
        self._held = b""
        if not self._work.requests:
            raise InvalidRequest("The file has no requests.", path="file", hint="Put one on each line.")
        dialect, _ = self._served[self._url]
        texts = tuple(self._texts) if self._texts_bytes <= LONGEST_TEXT else None
        return Requests(dialect, self._work, self._places, tuple(self._ids), tuple(sorted(self._tools)), texts)

    def _take(self, line: bytes) -> None:
        self._number += 1
        if len(line) > LONGEST_LINE_BYTES:
            raise self._too_long()
        if self._number > 2 * MOST_LINES:
            raise InvalidRequest(
                f"The file has more than {2 * MOST_LINES} lines.", path="file", hint="Leave out empty ones."
            )
        if not line.strip(b" \t\r"):
            return
        self._keep_text(line)
        try:
            self._read(read_line(line))
        except CallerFault as error:
            raise self._wrong(error.message, path=error.path, hint=error.hint) from error

    def _read(self, line: Line) -> None:
        self._note_custom_id(line.custom_id)
        dialect, operation = self._operation_of(line)
        try:
            asked = dialect.read_request(operation, line.body, None)
            refuse_other_spellings(asked.members)
            start = self._at + line.at + places_in(line.body, asked.members)[_MODEL]
        except CallerFault as error:
            path = "body" if error.path is None else f"body.{error.path}"
            raise InvalidRequest(error.message, path=path, hint=error.hint) from error
        self._note_route(asked.route)
        self._note_ids(asked)
        self._places.starts.append(start)
        self._places.ends.append(start + len(bytes(asked.members[_MODEL])))
        units = dialect.weigh(operation, asked, line.body)
        self._tools.update(units.tools)
        self._work = _more(self._work, units, route=asked.route, operation=need_of(operation), size=len(line.body))

    def _keep_text(self, line: bytes) -> None:
        """Keep a line for guards, for as long as these read so much."""
        self._texts_bytes += len(line)
        if self._texts_bytes <= LONGEST_TEXT:
            self._texts.append(line)
        else:
            self._texts.clear()

    def _note_custom_id(self, custom_id: str) -> None:
        digest = int.from_bytes(blake2b(custom_id.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "big")
        if digest in self._seen:
            raise InvalidRequest(
                "An earlier line has this `custom_id`.",
                path=_CUSTOM_ID,
                hint="Give each line its own: answers come by it.",
            )
        if len(self._seen) >= MOST_LINES:
            raise InvalidRequest(f"The file has more than {MOST_LINES} requests.", hint="Send several files.")
        self._seen.add(digest)

    def _operation_of(self, line: Line) -> tuple[Dialect, Operation]:
        if line.url not in self._served:
            known = ", ".join(sorted(self._served))
            raise InvalidRequest("This is no address that lines of a batch can name.", path="url", hint=f"Use {known}.")
        self._url = self._url or line.url
        if line.url != self._url:
            raise InvalidRequest("Earlier lines name another `url`.", path="url", hint="Send a file for each.")
        name, operation = self._served[line.url]
        dialect = self._dialects[name]
        return dialect, next(one for one in dialect.operations if one.name == operation)

    def _note_route(self, route: str) -> None:
        if route != (self._route or route):
            raise InvalidRequest(
                "Earlier lines name another model.", path="body.model", hint="Send a file for each model."
            )
        self._route = route

    def _note_ids(self, asked: Asked) -> None:
        self._ids.update(dict.fromkeys(asked.host_ids))
        if len(self._ids) > _MOST_NAMED:
            raise InvalidRequest(
                f"The lines name more than {_MOST_NAMED} files and answers that hosts keep.", hint="Send several files."
            )

    def _too_long(self) -> InvalidRequest:
        number = self._number + (len(self._held) > LONGEST_LINE_BYTES)
        return InvalidRequest(
            f"Line {number} of the file is longer than {LONGEST_LINE_BYTES} bytes.",
            path="file",
            hint="Send pictures and documents as files of their own, and name them.",
        )

    def _wrong(self, message: str, *, path: str | None, hint: str | None) -> InvalidRequest:
        at = f"file:{self._number}" if path is None else f"file:{self._number}:{path}"
        return InvalidRequest(f"Line {self._number} of the file: {message}", path=at, hint=hint)


async def read_requests(upload: Upload, served: Served, dialects: Mapping[str, Dialect]) -> Requests:
    """Return what the requests in a form's one file ask for.

    Raises:
        InvalidRequest: A line cannot go.
        StorageFull: The disk does not give the file back.
    """
    (file,) = upload.form.files
    reader = LinesReader(served, dialects, start=file.start)
    for start in range(file.start, file.end, PIECE_BYTES):
        piece = await upload.body.read(start, min(PIECE_BYTES, file.end - start))
        await asyncio.to_thread(reader.feed, piece)
    return await asyncio.to_thread(reader.close)


def with_requests(asked: Asked, requests: Requests) -> Asked:
    """Return a request that brings a file with what its lines ask for: they name the route, and what hosts keep.

    Raises:
        InvalidRequest: It names another route than they do.
    """
    route = requests.work.route
    if asked.route not in {"", route}:
        raise InvalidRequest("The form names another model than the lines of its file.", path="hortus-model")
    return replace(asked, route=route, host_ids=requests.host_ids, work=requests.work)


def narrow(judged: Judged, asked: Asked, upload: Upload | None, *, run: Work | None, on: date) -> Judged:
    """Return the verdict with the endpoints left that may get a batch's requests one by one, and that offer them.

    Args:
        judged: The verdict on the request that brings them or lets them run; it stays as it is where there are none.
        asked: That request.
        upload: Its form, where they lie in a file.
        run: What is to be run, which may have been brought before, under other rules.
        on: The day.

    Raises:
        RefusedByPolicy: The policy has requests looked at, and they lie in a file.
        InvalidRequest: A request sets no limit of its output, and the route demands one.
    """
    work = asked.work or run
    if work is None:
        return judged
    is_file = upload is not None or asked.work is None
    if is_file and judged.policy.looks_at_content:
        _check_looked_at(judged, upload, run)
    _check_limits(judged, work, path="file" if is_file else "requests")
    return _left(judged, work, dialect=_dialect_of(upload), on=on)


def _dialect_of(upload: Upload | None) -> str | None:
    return upload.requests.dialect if upload is not None and upload.requests is not None else None


def _left(judged: Judged, work: Work, *, dialect: str | None, on: date) -> Judged:
    found = [(one, _objection(one, judged, work, dialect=dialect, on=on)) for one in judged.route.targets]
    others = tuple(Unusable(target.endpoint.name, reason) for target, reason in found if reason is not None)
    left = tuple(target for target, reason in found if reason is None)
    route = replace(judged.route, targets=left, unusable=(*judged.route.unusable, *others))
    return replace(judged, route=route)


def looked_at(asked: Asked, upload: Upload | None, judged: Judged) -> Asked:
    """Return the request with the policy noted for which guards are about to read the requests in its file."""
    if asked.work is None or upload is None or not judged.policy.looks_at_content:
        return asked
    return replace(asked, work=replace(asked.work, looked_at=judged.mark))


def is_looked_at(judged: Judged, run: Work | None) -> bool:
    """Tell whether guards have read what is to be run, for the policy that holds now."""
    return run is not None and judged.policy.looks_at_content and run.looked_at == judged.mark


def _check_looked_at(judged: Judged, upload: Upload | None, run: Work | None) -> None:
    if upload is None:
        if not is_looked_at(judged, run):
            raise RefusedByPolicy(
                "The project's policy has requests looked at, and those in this file were not, or for another policy.",
                path="input_file_id",
                hint="Send the file again.",
            )
    elif upload.requests is None or upload.requests.texts is None:
        raise RefusedByPolicy(
            f"The project's policy has requests looked at, and guards read {LONGEST_TEXT} bytes of a file at most.",
            path="file",
            hint="Send several files.",
        )


def _check_limits(judged: Judged, work: Work, *, path: str) -> None:
    if judged.route.route.output_cap is not None and work.unlimited:
        raise InvalidRequest(
            f"The model `{work.route}` limits answers, and {work.unlimited} requests of the batch set no limit.",
            path=path,
            hint="Set `max_tokens`, `max_completion_tokens` or `max_output_tokens` in each.",
        )


def _objection(target: Target, judged: Judged, work: Work, *, dialect: str | None, on: date) -> str | None:
    """Return why a target may not work through the requests; None where it may."""
    demands = False
    if dialect is not None:
        way = target.ways.get(dialect)
        if way is None:
            return f"does not offer {work.operation} in batches"
        demands = bool(way.spoken.demands)
    if work.operation not in target.endpoint.operations:
        return f"does not offer {work.operation} in batches"
    verdict = target.endpoint.judge(judged.policy, on=on, operation=work.operation)
    if not verdict.is_allowed:
        return " and ".join(f"{one.reason} ({one.rule})" for one in verdict.rulings)
    if verdict.levers or demands:
        return "something must be asked of its host in each request, which a batch does not"
    return None


def _more(work: Work, units: Units, *, route: str, operation: str, size: int) -> Work:
    limit = units.output_tokens
    return Work(
        route=route,
        operation=operation,
        requests=work.requests + 1,
        input_bytes=work.input_bytes + size + units.repeated_bytes,
        output_tokens=work.output_tokens + (limit or 0) * units.choices,
        unlimited=work.unlimited + (units.choices if limit is None else 0),
        images=work.images + units.images,
        documents=work.documents + units.documents,
        kept=work.kept + units.kept,
        searches=work.searches or units.searches,
        server_tools=work.server_tools or units.server_tools or _has_pieces(units),
        longest_bytes=max(work.longest_bytes, size + units.repeated_bytes),
    )


def _has_pieces(units: Units) -> bool:
    """Tell whether more is made or read than text: what that may come to is not summed up, so nothing bounds it."""
    return bool(units.output_images or units.seconds != 0 or units.pages != 0 or units.sound_bytes)
