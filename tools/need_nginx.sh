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
    here=$PWD/$place
    ask_apt() {
        apt-get -o "Dir::State::Lists=$here/lists" -o "Dir::Cache=$here" -o Debug::NoLocking=true \
            -o APT::Sandbox::User= "$@" >/dev/null
    }
    if ! { ask_apt update && (cd "$place/debs" && ask_apt download nginx); }; then
        rm -rf "$place"
        echo "nginx could not be fetched, apt's own words are above. Run this again with a network, or install nginx." >&2
        exit 1
    fi
    for package in "$place"/debs/*.deb; do dpkg -x "$package" "$place"; done
    rm -rf "$place/lists" "$place/debs" "$place"/*.bin
fi
"$place/usr/sbin/nginx" -v >/dev/null 2>&1 || {
    echo "The fetched nginx does not run here ($("$place/usr/sbin/nginx" -v 2>&1 | head -1)). Install nginx: apt-get install nginx-light" >&2
    exit 1
}
echo "$PWD/$place/usr/sbin/nginx"
