#!/usr/bin/env bash
# supervise.sh FILE COMMAND…: runs a command, again whenever it dies, until SIGTERM, which it passes on.
#
# FILE says our process id and stays locked while we live, so that nobody takes a stranger for us.
# Each death adds a line to FILE.deaths.
set -u
file=$1
shift
exec 9>>"$file"
flock -n 9 || exit 1
echo $$ >"$file"

ending=''
trap 'ending=yes; kill -TERM "${!:-0}" 2>/dev/null' TERM
while [ -z "$ending" ]; do
    "$@" 9>&- </dev/null &
    # A signal to us ends a wait, not the command.
    while kill -0 $! 2>/dev/null; do wait $!; done
    if [ -z "$ending" ]; then
        date >>"$file.deaths"
        sleep 1
    fi
done
