#!/bin/sh
# Resolves requirements/*.in again into pinned files with hashes (needs uv); leaves out releases younger than a week.
# torch and what only its CUDA build wants are not written: torch goes in by its own call, see tools/setup.sh.
set -eu
cd "$(dirname "$0")/../requirements"
newest=$(date -u -d '7 days ago' +%Y-%m-%d)
resolve() { uv pip compile -q --generate-hashes --python-version 3.11 --no-header --exclude-newer "$newest" "$@"; }
# shellcheck disable=SC2046 # words are wanted
not_ours() {
    uv pip compile -q --python-version 3.11 --no-header --no-annotate --exclude-newer "$newest" tuning.in |
        sed -nE 's/^((torch|triton|cuda-|nvidia-)[a-z0-9-]*)==.*/--no-emit-package \1/p'
}
skip=$(not_ours)
before=
for set in pip gateway control local tuning dev; do
    # shellcheck disable=SC2086
    resolve $before $skip "$set.in" -o "$set.txt"
    before="-c $set.txt"
done
