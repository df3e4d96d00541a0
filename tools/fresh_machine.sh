#!/bin/sh
# Tries the two commands on a machine as Debian installs it: tools/fresh_machine.sh [run|test]   (root only)
#   run: make run, fresh, again, offline, ended by Ctrl-C; as a user and as root; without and with python3-venv
#   test: make test, as a user without python3-venv
# Needs debootstrap. Tries what is committed, with this machine's resolver, certificate authorities and pip settings.
# Mounts and processes live in namespaces and end with each try. PLACE keeps machines and logs, SUITE and MIRROR choose.
set -eu
cd "$(dirname "$0")/.."
what=${1:-run}
place=${PLACE:-/var/tmp/hortus-fresh-machine}
[ "$(id -u)" = 0 ] || { echo "debootstrap and chroot need root." >&2; exit 1; }
command -v debootstrap >/dev/null || { echo "debootstrap is missing: apt-get install debootstrap" >&2; exit 1; }

if [ ! -e "$place/base/.complete" ]; then
    echo "Making $place/base"
    rm -rf "$place"
    mkdir -p "$place"
    debootstrap --variant=minbase --include=python3,git,make,gcc,libc6-dev,ca-certificates "${SUITE:-bookworm}" \
        "$place/base" "${MIRROR:-http://deb.debian.org/debian}" >"$place/base.log" 2>&1 ||
        { tail -3 "$place/base.log" >&2; exit 1; }
    chroot "$place/base" useradd -m citizen
    touch "$place/base/.complete"
fi

# A machine is a copy of the base with a checkout for each user; one path has a space and a letter beyond ASCII.
make_machine() {
    machine=$place/$1
    rm -rf "$machine"
    cp -a "$place/base" "$machine"
    cp /etc/resolv.conf "$machine/etc/"
    for file in /etc/pip.conf /usr/local/share/ca-certificates/*.crt; do
        [ ! -e "$file" ] || cp "$file" "$machine$file"
    done
    chroot "$machine" update-ca-certificates >/dev/null 2>&1
    for checkout in /root/hortus "/home/citizen/my gärten/hortus"; do git clone -q . "$machine$checkout"; done
    chroot "$machine" chown -R citizen: /home/citizen
}

# on USER COMMAND [UNSHARE'S FLAG]: on the machine made last, with a bare environment; fails if a process is left.
on() {
    user=$1 directory=/root/hortus home=/root
    [ "$user" = root ] || { home=/home/$user; directory="$home/my gärten/hortus"; }
    settings=$(env | sed -n '/^PIP_FIND_LINKS=/d; /^PIP_[A-Z_]*=[^ ]*$/p')
    # shellcheck disable=SC2016,SC2086 -- the inner shells expand; settings and flags are several words or none
    unshare --mount --pid --fork --kill-child --propagation private ${3:-} sh -ec '
        machine=$1 user=$2 directory=$3 command=$4
        shift 4
        ip link set lo up
        mount -t proc proc "$machine/proc"
        mount -t tmpfs tmpfs "$machine/dev/shm"
        mount -t devpts devpts "$machine/dev/pts" -o newinstance,ptmxmode=666
        mount --bind "$machine/dev/pts/ptmx" "$machine/dev/ptmx"
        chroot --userspec="$user:$user" "$machine" \
            env -i "$@" sh -c "cd \"\$0\" && sh -c \"\$1\"" "$directory" "$command"
        sleep 1
        ! grep -ls "[.]venv/" "$machine"/proc/[0-9]*/cmdline
    ' - "$machine" "$user" "$directory" "$2" "HOME=$home" "USER=$user" PIP_CERT=/etc/ssl/certs/ca-certificates.crt \
        PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin $settings
}

failed=0
# try NAME USER COMMAND [UNSHARE'S FLAG]: says how long it took and whether all was well.
try() {
    log=$machine-$2-$1.log began=$(date +%s%N) verdict=ok
    on "$2" "$3" "${4:-}" >"$log" 2>&1 || { verdict="FAILED: $log"; failed=1; }
    took=$((($(date +%s%N) - began) / 100000000))
    printf '%-10s %-8s %-8s %4d.%d s  %s\n' "$(basename "$machine")" "$2" "$1" $((took / 10)) $((took % 10)) "$verdict"
}

# Types Ctrl-C on a terminal once Hortus is up; a program that ends by it has the status 130.
ctrl_c='{ until grep -qs "Ctrl-C stops it" "$HOME/screen"; do sleep 1; done; printf "\003"; sleep 15; } |
    timeout 120 script -qefc "make run" "$HOME/screen" || [ $? = 130 ]'

if [ "$what" = test ]; then
    make_machine bare
    try test citizen "make test"
    exit "$failed"
fi
for name in bare venv; do
    make_machine "$name"
    [ "$name" = bare ] || on root "apt-get -q update && apt-get -qy install --no-install-recommends python3-venv" \
        >"$place/apt.log" 2>&1
    for user in citizen root; do
        try first "$user" "make run once=1"
        try second "$user" "make run once=1"
        try offline "$user" "make run once=1" --net
        try ctrl-c "$user" "$ctrl_c"
    done
done
exit "$failed"
