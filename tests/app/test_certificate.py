from __future__ import annotations

from pathlib import Path

import pytest
import trustme

from hortus.app.up import check_certificate
from hortus.base.errors import ConfigurationError


@pytest.fixture
def pair(tmp_path: Path) -> tuple[str, str]:
    issued = trustme.CA().issue_cert("localhost")
    certificate, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    issued.cert_chain_pems[0].write_to_path(certificate)
    issued.private_key_pem.write_to_path(key)
    return str(certificate), str(key)


def test_a_certificate_with_its_key_is_good(pair: tuple[str, str]) -> None:
    check_certificate(*pair)
    check_certificate(None, None)


def test_a_missing_file_is_named_with_its_setting(pair: tuple[str, str]) -> None:
    with pytest.raises(ConfigurationError, match="tls_key cannot be read: No such file") as caught:
        check_certificate(pair[0], f"{pair[1]}.gone")
    assert caught.value.path == f"{pair[1]}.gone"


def test_files_that_do_not_belong_together_are_refused_with_what_each_must_be(pair: tuple[str, str]) -> None:
    with pytest.raises(ConfigurationError, match="cannot be used together") as caught:
        check_certificate(pair[1], pair[0])
    assert "both PEM" in str(caught.value.hint)
