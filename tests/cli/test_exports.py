"""Files of exports on this machine: what is told where the library for Parquet is missing."""

from __future__ import annotations

from unittest.mock import patch

import pytest

from hortus.base.errors import InstallationError
from hortus.cli.exports import parquet_library


def test_without_its_library_parquet_says_what_to_install() -> None:
    with patch("hortus.cli.exports.find_spec", return_value=None), pytest.raises(InstallationError) as refusal:
        parquet_library()
    assert "hortus[export]" in (refusal.value.hint or "")
