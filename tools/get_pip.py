"""Brings the pinned pip into a virtual environment made without it. Usage: get_pip.py PYTHON-OF-THE-ENVIRONMENT.

For a Python that comes without `ensurepip`, as Debian's does where python3-venv is not installed. Takes the wheel from
the index that pip itself would ask, and nothing whose hash is not in requirements/pip.txt. Standard library only.
"""

from __future__ import annotations

import configparser
import hashlib
import html
import os
import re
import ssl
import subprocess
import sys
import tempfile
import urllib.parse
import urllib.request
from pathlib import Path

PINS = Path(__file__).resolve().parents[1] / "requirements" / "pip.txt"
PYPI = "https://pypi.org/simple"
WITHIN_S = 60.0


def read_option(name: str) -> str | None:
    """Return what pip's environment variables or configuration files say, in pip's order."""
    environment = os.environ
    if value := environment.get(f"PIP_{name.upper().replace('-', '_')}"):
        return value
    parser = configparser.RawConfigParser()
    parser.read(
        [
            "/etc/pip.conf",
            Path("~/.pip/pip.conf").expanduser(),
            Path(environment.get("XDG_CONFIG_HOME") or "~/.config").expanduser() / "pip" / "pip.conf",
            environment.get("PIP_CONFIG_FILE", os.devnull),
        ]
    )
    return parser.get("global", name, fallback=None)


def fetch(url: str) -> bytes:
    """Return what lies at an address, trusting the authorities that pip would trust."""
    authorities = ssl.create_default_context(cafile=read_option("cert"))
    with urllib.request.urlopen(url, timeout=WITHIN_S, context=authorities) as answer:  # noqa: S310 -- the user's index
        content: bytes = answer.read()
    return content


def find_wheel(index: str, version: str) -> str:
    """Return the address of pip's wheel on an index.

    Raises:
        LookupError: The index does not have it.
    """
    page = f"{index.rstrip('/')}/pip/"
    for link in re.findall(r"""href\s*=\s*["']([^"']+)""", fetch(page).decode()):
        address = urllib.parse.urljoin(page, html.unescape(link)).partition("#")[0]
        if address.endswith(f"/pip-{version}-py3-none-any.whl"):
            return address
    raise LookupError(f"it has no wheel of pip {version}")


def main() -> None:
    """Fetch, compare, install."""
    pins = PINS.read_text("utf-8")
    version = re.findall(r"^pip==(\S+)", pins, re.MULTILINE)[0]
    index = read_option("index-url") or PYPI
    try:
        wheel = fetch(find_wheel(index, version))
    except (OSError, LookupError, ValueError) as error:
        sys.exit(f"Could not fetch pip {version} from {urllib.parse.urlsplit(index).hostname}: {error}.")
    if hashlib.sha256(wheel).hexdigest() not in re.findall(r"--hash=sha256:(\w+)", pins):
        sys.exit(f"The fetched pip {version} is not the one pinned in {PINS.name}; it was thrown away.")
    with tempfile.TemporaryDirectory() as place:
        file = Path(place) / f"pip-{version}-py3-none-any.whl"
        file.write_bytes(wheel)
        arguments = ["install", "--quiet", "--no-index", "--no-deps", "--disable-pip-version-check", str(file)]
        sys.exit(subprocess.run([sys.argv[1], str(file / "pip"), *arguments], check=False).returncode)  # noqa: S603 -- ours


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
