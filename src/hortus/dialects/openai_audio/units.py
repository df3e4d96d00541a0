"""What may a request about sound use at most, as far as it tells?"""

from __future__ import annotations

from typing import Final

from hortus.canon.dialect import Asked, Operation
from hortus.canon.units import Units
from hortus.framing.weighing import text_of

LEAST_SPOKEN_TOKENS: Final = 2000
MOST_SPOKEN_TOKENS_PER_CHARACTER: Final = 8
"""Of sound, for each character, at the slowest that hosts speak: a quarter of the usual pace."""

LEAST_WRITTEN_TOKENS: Final = 500
BYTES_PER_WRITTEN_TOKEN: Final = 30
"""Sound has at least so many bytes for each token of its words: ten of these a second, at 2.4 kbit/s."""


def weigh(operation: Operation, asked: Asked, body: bytes) -> Units:
    """Return what the request may use."""
    del operation, body
    if asked.form is None:
        characters = len(text_of(asked.members, "input") or "")
        spoken = max(LEAST_SPOKEN_TOKENS, MOST_SPOKEN_TOKENS_PER_CHARACTER * characters)
        return Units(output_tokens=spoken, characters=characters)
    sound_bytes = asked.form.file_bytes
    written = LEAST_WRITTEN_TOKENS + sound_bytes // BYTES_PER_WRITTEN_TOKEN
    return Units(output_tokens=written, file_bytes=sound_bytes, sound_bytes=sound_bytes)
