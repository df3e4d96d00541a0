#!/bin/sh
# Prints the path of a program that the tests need: tools/need_program.sh nginx|curl
# Where the machine has none, fetches Debian's into .cache; without root, for packages are unpacked, not installed.
set -eu
cd "$(dirname "$0")/.."
name=$1
PATH=$PATH:/usr/sbin:/usr/local/sbin # not in everybody's path
if command -v "$name"; then exit 0; fi

place=$PWD/.cache/$name
program=$PWD/.cache/bin/$name
if [ ! -x "$program" ]; then
    command -v apt-get >/dev/null || { echo "The tests need $name: install it with your package tool." >&2; exit 1; }
    echo "Fetching $name from Debian's packages into .cache/$name" >&2
    rm -rf "$place"
    mkdir -p "$place/lists/partial" "$place/archives/partial" "$PWD/.cache/bin"
    ask_apt() {
        apt-get -qq -o "Dir::State::Lists=$place/lists" -o "Dir::Cache=$place" \
            -o "Dir::Cache::Archives=$place/archives" -o Debug::NoLocking=true -o APT::Sandbox::User= "$@" >/dev/null
    }
    if ! { ask_apt update && ask_apt --yes --download-only --no-install-recommends install "$name"; }; then
        rm -rf "$place"
        echo "$name could not be fetched, apt's own words are above. Run this again with a network, or install it." >&2
        exit 1
    fi
    for package in "$place"/archives/*.deb; do dpkg -x "$package" "$place"; done
    rm -rf "$place/lists" "$place/archives" "$place"/*.bin
    libraries=$(find "$place" -name '*.so.*' -exec dirname {} + | sort -u | tr '\n' ':')
    real=$(find "$place" -type f -path "*bin/$name")
    printf '#!/bin/sh\nLD_LIBRARY_PATH="%s" exec "%s" "$@"\n' "${libraries%:}" "$real" >"$program"
    chmod +x "$program"
fi
if ! words=$("$program" -V 2>&1); then
    echo "The fetched $name does not run here: $words. Install it: apt-get install $name" >&2
    exit 1
fi
echo "$program"
