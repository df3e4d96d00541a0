#!/bin/sh
# Keeps the wheels of the `local` install in .cache/wheels, so that the test of the wheel can build clean environments
# offline. Does nothing when they are there.
set -eu
cd "$(dirname "$0")/.."
place=.cache/wheels
stamp=$place/.complete-$(sha256sum requirements/local.txt | cut -c1-16)
[ -e "$stamp" ] && exit 0
echo "Fetching wheels for the install test into $place"
mkdir -p "$place"
.venv/bin/python -m pip download --disable-pip-version-check --quiet --require-hashes --only-binary=:all: \
    -r requirements/local.txt -d "$place"
touch "$stamp"
