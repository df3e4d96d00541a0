#!/bin/sh
# Prints the path of an nginx for the tests; fetches Debian's into .cache/nginx when the machine has none.
# Works without root: the package is unpacked, not installed.
set -eu
cd "$(dirname "$0")/.."
if command -v nginx >/dev/null 2>&1; then command -v nginx; exit 0; fi
place=.cache/nginx
if [ ! -x "$place/usr/sbin/nginx" ]; then
    command -v apt-get >/dev/null 2>&1 || { echo "The tests need nginx: install it with your package tool." >&2; exit 1; }
    echo "Fetching nginx from Debian's packages into $place" >&2
    mkdir -p "$place/lists/partial" "$place/debs"
    options="-o Dir::State::Lists=$PWD/$place/lists -o Dir::Cache=$PWD/$place -o Debug::NoLocking=true -o APT::Sandbox::User="
    # shellcheck disable=SC2086 -- the options are several words on purpose
    apt-get $options update >/dev/null
    # shellcheck disable=SC2086 -- as above
    (cd "$place/debs" && apt-get $options download nginx >/dev/null)
    for package in "$place"/debs/*.deb; do dpkg -x "$package" "$place"; done
    rm -rf "$place/lists" "$place/debs" "$place"/*.bin
fi
"$place/usr/sbin/nginx" -v >/dev/null 2>&1 || {
    echo "The fetched nginx does not run here ($("$place/usr/sbin/nginx" -v 2>&1 | head -1)). Install nginx: apt-get install nginx-light" >&2
    exit 1
}
echo "$PWD/$place/usr/sbin/nginx"
