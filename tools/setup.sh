#!/bin/sh
# Makes .venv and installs one pinned set into it: tools/setup.sh local|tuning|dev
# Does nothing, and needs no network, when the set is already there. Can be interrupted and run again at any point.
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

# An environment knows its own path: one that came here by copying or moving the checkout would run other code.
made_for() { sed -n 's/^command = .* -m venv \(--[a-z-]* \)*//p' .venv/pyvenv.cfg 2>/dev/null || true; }
here=$(pwd -P)/.venv
case "$(made_for)" in "$here" | "") is_ours=yes ;; *) is_ours= ;; esac
if [ -d .venv ] && { [ -z "$is_ours" ] || ! .venv/bin/python -c 'import pip' 2>/dev/null; }; then
    echo "The .venv here is incomplete or was made for another place: making it anew"
    rm -rf .venv
fi

if [ ! -d .venv ]; then
    echo "Creating .venv with $("$python" --version)"
    # Debian's Python has no ensurepip where python3-venv is not installed.
    if "$python" -c 'import ensurepip' 2>/dev/null; then
        "$python" -m venv "$here"
    elif ! { "$python" -m venv --without-pip "$here" && "$python" tools/get_pip.py "$here/bin/python"; }; then
        rm -rf .venv
        echo "This Python comes without pip, and pip could not be fetched, as said above. Run this again with a network," >&2
        echo "or install pip for it; on Debian: apt-get install python3-venv" >&2
        exit 1
    fi
fi

# A larger set contains the smaller one: dev > tuning > local.
fingerprint() { cat "$1" pyproject.toml src/hortus/__init__.py | sha256sum | cut -c1-16; }
stamp=.venv/.installed-$set_name-$(fingerprint "$pins")
for larger in dev $([ "$set_name" = local ] && echo tuning); do
    [ -e ".venv/.installed-$larger-$(fingerprint "requirements/$larger.txt")" ] && exit 0
done
[ -e "$stamp" ] && exit 0

total=$(grep -c '==' "$pins")
# Shows pip's progress: one line that moves on a terminal, else the two that matter.
show_progress() {
    trap '' INT # Ctrl-C is pip's; this ends with it
    count=0
    while read -r first second _; do
        case $first in
        Collecting | Requirement) count=$((count + 1)); text="  $count of $total: ${second%%[=<>;]*}" ;;
        Installing) text="  installing $total packages" ;;
        Successfully) text="  installed" ;;
        *) continue ;;
        esac
        if [ -t 1 ]; then printf '\r\033[K%s' "$text"; elif [ "$first" = Installing ]; then echo "$text"; fi
    done
    if [ -t 1 ]; then printf '\r\033[K'; fi
}

# torch goes in first and alone: its builds for processors and for GPUs share a version and differ in their hashes.
torch=2.13.0
if [ "$set_name" != local ] && ! .venv/bin/python -c "import torch; assert torch.__version__.startswith('$torch')" 2>/dev/null; then
    echo "Installing torch $torch"
    .venv/bin/python -m pip install --disable-pip-version-check --no-input --quiet --no-deps "torch==$torch" 2>.venv/.torch ||
        { cat .venv/.torch >&2; exit 1; }
fi

echo "Installing $total packages pinned in $pins"
rm -f .venv/.installed-"$set_name"-* .venv/.fetched
# The pins are closed: nothing is resolved here, so what torch wants for GPUs is not asked for.
{ .venv/bin/python -m pip install --disable-pip-version-check --no-input --no-deps --require-hashes -r "$pins" &&
    touch .venv/.fetched; } | show_progress
if [ ! -e .venv/.fetched ]; then
    echo "The packages could not be installed; pip's own words are above. The first time needs a network, or an index" >&2
    echo "that pip is configured for; then run this again: it goes on where it stopped." >&2
    exit 1
fi
.venv/bin/python -m pip install --disable-pip-version-check --quiet --no-index --no-deps --no-build-isolation -e .
touch "$stamp"
