"""How much may sound in a form come to, and how long is it where nobody says? Rules of thumb, marked as estimates."""

from __future__ import annotations

from typing import Final

from hortus.canon.form import Form
from hortus.canon.units import Units

USUAL_BYTES_PER_SECOND: Final = 16_000
"""Of sound as it is mostly sent (MP3 at 128 kbit/s)."""

LEAST_WRITTEN_TOKENS: Final = 500
BYTES_PER_WRITTEN_TOKEN: Final = 30
"""Sound has at least so many bytes for each token of its words: ten of these a second, at 2.4 kbit/s."""


def weigh_sound(form: Form, *, seconds: int | None = 0) -> Units:
    """Return what writing down the sound of a form may use; `seconds`: None where some of it lies elsewhere."""
    sound_bytes = form.file_bytes
    written = LEAST_WRITTEN_TOKENS + sound_bytes // BYTES_PER_WRITTEN_TOKEN
    return Units(
        output_tokens=None if seconds is None else written,
        file_bytes=sound_bytes,
        sound_bytes=sound_bytes,
        seconds=seconds,
    )


def usual_seconds(sound_bytes: int) -> int:
    """Return how long so much sound usually is."""
    return -(-sound_bytes // USUAL_BYTES_PER_SECOND)
