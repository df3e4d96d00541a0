#!/bin/sh
# Makes .venv and installs one pinned set into it: tools/setup.sh local|dev
# Does nothing, and needs no network, when the set is already there.
set -eu
cd "$(dirname "$0")/.."
set_name=$1
pins=requirements/$set_name.txt

python=
for candidate in "${PYTHON:-}" python3.11 python3.12 python3.13 python3; do
    [ -n "$candidate" ] || continue
    if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then python=$candidate; break; fi
done
[ -n "$python" ] || { echo "Hortus needs Python 3.11 or newer. On Debian: apt-get install python3" >&2; exit 1; }

if [ ! -x .venv/bin/python ]; then
    echo "Creating .venv with $("$python" --version)"
    if ! "$python" -m venv .venv; then
        rm -rf .venv
        echo "Python's venv module is missing. On Debian: apt-get install python3-venv" >&2
        exit 1
    fi
fi

# A larger set contains the smaller one: dev > local.
fingerprint() { cat "$1" pyproject.toml src/hortus/__init__.py | sha256sum | cut -c1-16; }
stamp=.venv/.installed-$set_name-$(fingerprint "$pins")
dev_stamp=.venv/.installed-dev-$(fingerprint requirements/dev.txt)
[ -e "$stamp" ] || [ -e "$dev_stamp" ] && exit 0

echo "Installing $(grep -c '==' "$pins") packages pinned in $pins"
.venv/bin/python -m pip install --disable-pip-version-check --no-input --require-hashes -r "$pins" |
    { grep -v -e '^Requirement already' -e '^Looking in' -e '^Using cached' -e '^  ' || true; }
.venv/bin/python -m pip install --disable-pip-version-check --quiet --no-index --no-deps --no-build-isolation -e .
rm -f .venv/.installed-"$set_name"-*
touch "$stamp"
