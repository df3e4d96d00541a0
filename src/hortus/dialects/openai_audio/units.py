"""What may a request about sound use at most, as far as it tells?"""

from __future__ import annotations

from typing import Final

from hortus.canon.dialect import Asked, Operation
from hortus.canon.units import Units
from hortus.framing.sound import weigh_sound
from hortus.framing.weighing import text_of

LEAST_SPOKEN_TOKENS: Final = 2000
MOST_SPOKEN_TOKENS_PER_CHARACTER: Final = 8
"""Of sound, for each character, at the slowest that hosts speak: a quarter of the usual pace."""


def weigh(operation: Operation, asked: Asked, body: bytes) -> Units:
    """Return what the request may use."""
    del operation, body
    if asked.form is None:
        characters = len(text_of(asked.members, "input") or "")
        spoken = max(LEAST_SPOKEN_TOKENS, MOST_SPOKEN_TOKENS_PER_CHARACTER * characters)
        return Units(output_tokens=spoken, characters=characters)
    return weigh_sound(asked.form)
