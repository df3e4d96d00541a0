"""When a host says that it may be asked again, in each way in which hosts say it."""

from __future__ import annotations

import pytest

from hortus.gateway.headers import retry_after_s

NOW_S = 1_795_444_700  # 2026-11-23T14:38:20Z


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ([(b"retry-after", b"7")], 7),
        ([(b"retry-after-ms", b"1200")], 2),
        ([(b"retry-after", b"7"), (b"retry-after-ms", b"1200")], 7),
        ([(b"retry-after", b"1"), (b"retry-after-ms", b"0")], 1),
        ([(b"retry-after", b"1"), (b"retry-after-ms", b"2500")], 3),
        ([(b"retry-after", b"soon"), (b"retry-after-ms", b"2500")], 3),
        ([(b"retry-after", b"Mon, 23 Nov 2026 14:38:29 GMT")], 9),
        ([(b"retry-after", b"Mon, 23 Nov 2026 14:38:00 GMT")], 1),
        ([(b"retry-after", b"9" * 5000)], 999_999_999),
        ([(b"retry-after", b"soon")], None),
        ([(b"retry-after-ms", b"-1")], None),
        ([], None),
    ],
)
def test_it_is_read_in_whole_seconds(headers: list[tuple[bytes, bytes]], expected: int | None) -> None:
    assert retry_after_s(headers, now_s=NOW_S) == expected
