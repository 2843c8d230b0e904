# The shell session: what a person or a build script does in a shell, in one go.
#
# `cargo xtask compat shell-session` joins the files of this folder, in the order of their names, and runs the text in a
# guest as `run -c` does (`/bin/sh -c TEXT`, as root, without a terminal). Each `section` is one result: what it wrote to
# standard output and to standard error is compared with what Linux gave. So nothing may be printed that differs
# from run to run on Linux (process ids, times, free memory): print a relation between such values instead.
# ../normalise.sed is for what programs print by themselves.

section() {
    echo "### $1"
    echo "### $1" >&2
}
# Waits until the condition (a command line) holds, for at most ten seconds.
until_true() {
    tries=0
    until eval "$1"; do
        tries=$((tries + 1))
        [ $tries -lt 500 ] || {
            echo "never: $1"
            return 1
        }
        usleep 20000
    done
}
state_of() { sed -n 's/^State:[[:space:]]*\(.\).*/\1/p' "/proc/$1/status"; }

export TZ=UTC LC_ALL=C PATH=/bin:/sbin:/usr/bin:/usr/sbin TERM=vt100
umask 022
base=/tmp/session
mkdir $base && cd $base || exit 99
