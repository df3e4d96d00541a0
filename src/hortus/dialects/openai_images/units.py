"""What may a request for pictures use at most, as far as it tells?"""

from __future__ import annotations

import msgspec

from hortus.canon.dialect import Asked, Operation
from hortus.canon.units import Units
from hortus.framing.weighing import list_of, number_of

_DECODE_LIST = msgspec.json.Decoder(list[msgspec.Raw]).decode


def weigh(operation: Operation, asked: Asked, body: bytes) -> Units:
    """Return what the request may use: each picture that it brings counts, whatever its bytes."""
    del operation, body
    if asked.form is None:
        brought = len(list_of(asked.members, "images", _DECODE_LIST)) + ("mask" in asked.members)
        return Units(output_tokens=0, output_images=number_of(asked.members, "n", usual=1), images=brought)
    said = asked.form.field("n")
    made = int(said.value or 1) if said is not None else 1  # digits: whoever read it has seen to that
    files = asked.form.files
    return Units(output_tokens=0, output_images=max(made, 1), images=len(files), file_bytes=asked.form.file_bytes)
