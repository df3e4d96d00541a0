"""Which prompts are nearly the same as an earlier one? MinHash over runs of three words: one pass, bounded work a text.

Told for prompts of which four fifths of the runs are the same; of such with nine tenths it misses one in two hundred.
"""

from __future__ import annotations

import hashlib
import re
import zlib

import numpy as np

READ_WORDS = 300
"""Of a text that are compared."""
MOST_TEXTS = 200_000
"""Later ones are not compared: the table of earlier ones would not fit."""

_RUN = 3
_BANDS, _IN_BAND = 5, 4
_HASHES = _BANDS * _IN_BAND
_SAME = 16  # of the hashes: four fifths

_WORD = re.compile(r"\w+")


def _factors(name: bytes) -> np.ndarray:
    digests = (hashlib.blake2b(b"%s %d" % (name, number), digest_size=8).digest() for number in range(_HASHES))
    factors: np.ndarray = np.frombuffer(b"".join(digests), dtype="<u8")
    return factors


_ODD = _factors(b"factor") | np.uint64(1)
_ADDED = _factors(b"addend")


class Likeness:
    """Texts seen so far."""

    def __init__(self) -> None:
        self._seen: dict[bytes, int] = {}
        self._signatures: list[bytes] = []
        self._rows: list[int] = []

    @property
    def is_full(self) -> bool:
        """Whether further texts are not compared."""
        return len(self._rows) >= MOST_TEXTS

    def add(self, row: int, text: str) -> int | None:
        """Remember a text; return the row of an earlier one that is nearly the same."""
        words = _WORD.findall(text.casefold())[:READ_WORDS]
        if self.is_full or not words:
            return None
        signature = _signature(words)
        bands = [b"%d" % band + signature[band * _IN_BAND * 4 : (band + 1) * _IN_BAND * 4] for band in range(_BANDS)]
        for band in bands:
            earlier = self._seen.get(band)
            if earlier is not None and _likeness(signature, self._signatures[earlier]) >= _SAME:
                return self._rows[earlier]
        for band in bands:
            self._seen.setdefault(band, len(self._rows))
        self._rows.append(row)
        self._signatures.append(signature)
        return None


def _signature(words: list[str]) -> bytes:
    runs = {" ".join(words[start : start + _RUN]) for start in range(max(1, len(words) - _RUN + 1))}
    hashes = np.array([zlib.crc32(one.encode()) for one in runs], dtype=np.uint64)
    mixed = (hashes[:, None] * _ODD + _ADDED) >> np.uint64(32)
    return bytes(mixed.min(axis=0).astype("<u4").tobytes())


def _likeness(one: bytes, other: bytes) -> int:
    return int((np.frombuffer(one, dtype="<u4") == np.frombuffer(other, dtype="<u4")).sum())
