# shellcheck shell=bash
# How a host is reached. Sourced by deploy.sh and rollback.sh, which set `here`.
#
#   DEPLOY_HOST   who and where for ssh, as in user@host; empty: this machine
#   HOST_KIND     compose (Docker) or processes (a bare machine): which file of functions it gets
#   STUDIO_DIR    the studio's folder on the host; it must be there and be ours
#
# Whatever begins with STUDIO_ goes to the host with the functions, see the host's file.
DEPLOY_HOST=${DEPLOY_HOST:-}
HOST_KIND=${HOST_KIND:-compose}
STUDIO_DIR=${STUDIO_DIR:-/srv/studio}
dry_run=''
: "${here:?}"

say() { printf '%(%H:%M:%S)T %s\n' -1 "$*" >&2; }

fail() {
    say "$*"
    exit 1
}

# ask FUNCTION ARGUMENT…: runs a function of the host's file there. Our input is its input.
ask() {
    local script
    script=$(
        echo 'set -euo pipefail'
        declare -p "${!STUDIO_@}"
        cat "$here"/hosts/{record,well,"$HOST_KIND"}.sh
        printf '%q ' "$@"
    )
    if [ -z "$DEPLOY_HOST" ]; then
        bash -c "$script"
    else
        # Not by quoting: the shell that ssh finds there may know other rules than ours.
        script=$(printf '%s' "$script" | base64 -w 0)
        ssh -o BatchMode=yes -o ConnectTimeout=10 "$DEPLOY_HOST" \
            "bash -c \"\$(echo $script | base64 -d)\""
    fi
}

# The same for what changes something: a dry run only says it.
act() {
    if [ -n "$dry_run" ]; then
        say "     would do there: $*"
    else
        ask "$@" </dev/null
    fi
}

# As act, with something for the function to read.
give() {
    if [ -n "$dry_run" ]; then
        cat >/dev/null
        say "     would send there: $*"
    else
        ask "$@"
    fi
}

# One deploy at a time. The host holds the lock for as long as it hears us, and no longer.
take_lock() {
    local answer=
    [ -z "$dry_run" ] || return 0
    coproc HELD { ask hold_lock; }
    IFS= read -r answer <&"${HELD[0]}" || true
    [ "$answer" = held ] || fail "Another deploy is under way on this host."
}

other() { if [ "$1" = blue ]; then echo green; else echo blue; fi; }
