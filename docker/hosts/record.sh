# shellcheck shell=bash
# What a host remembers, whatever kind it is. Runs there, together with the file of its kind.
#
#   $STUDIO_DIR/releases/<commit>   the code, with the environment file it was started with
#   $STUDIO_DIR/current, previous   which colour serves which commit, and which did before

release() { echo "$STUDIO_DIR/releases/$1"; }
current() { cat "$STUDIO_DIR/current" 2>/dev/null || true; }
previous() { cat "$STUDIO_DIR/previous" 2>/dev/null || true; }

say_missing() {
    echo "$*" >&2
    return 1
}

# again COMMAND…: up to three times.
again() {
    local try
    for try in 1 2 3; do
        if "$@"; then return; fi
        echo "try $try of 3 did not go through" >&2
        sleep 2
    done
    return 1
}

# let_go COLOUR ROLE…: stops them and returns at once. Whoever starts that colour again waits first.
let_go() { ({ trap '' HUP INT && stop "$@"; } >/dev/null 2>&1 </dev/null &); }

hold_lock() { exec flock -n "$STUDIO_DIR/lock" sh -c 'echo held; exec cat >/dev/null'; }

need() {
    local tool
    for tool in "$@"; do
        command -v "$tool" >/dev/null || say_missing "$tool is missing on the host." || return 1
    done
}

need_room() {
    local free
    [ -w "$STUDIO_DIR" ] || say_missing "$STUDIO_DIR must be there and be ours." || return 1
    free=$(df --output=avail -m "$STUDIO_DIR" | tail -n 1)
    [ "$free" -ge "${STUDIO_FREE_MB:-1024}" ] || say_missing "Only $free MB are free on the host."
}

has_release() { [ -e "$(release "$1")/.received" ]; }

# Our input is the archive of a commit.
receive() {
    mkdir -p "$(release "$1")"
    tar -x -C "$(release "$1")"
    touch "$(release "$1")/.received"
}

# Our input is the environment file. It is never shown, and nobody else may read it.
receive_environment() {
    local file
    file=$(release "$1")/.env
    umask 077
    cat >"$file.new"
    mv "$file.new" "$file"
}

# Without a new file the one goes on that serves now.
keep_environment() {
    local _colour commit
    read -r _colour commit < <(current) || say_missing "The first deploy needs --env FILE." || return 1
    [ "$commit" = "$1" ] || cp -p "$(release "$commit")/.env" "$(release "$1")/.env"
}

remember() {
    local now="$1 $2"
    if [ -e "$STUDIO_DIR/current" ] && [ "$(current)" != "$now" ]; then
        cp "$STUDIO_DIR/current" "$STUDIO_DIR/previous.new"
        mv "$STUDIO_DIR/previous.new" "$STUDIO_DIR/previous"
    fi
    echo "$now" >"$STUDIO_DIR/current.new"
    mv "$STUDIO_DIR/current.new" "$STUDIO_DIR/current"
}

# All but the newest few; those that serve or may serve again are among them or named.
forget_old_releases() {
    local kept old
    kept=$(cat "$STUDIO_DIR/current" "$STUDIO_DIR/previous" 2>/dev/null || true)
    while IFS= read -r old; do
        case $kept in *"$old"*) ;; *) forget "$old" ;; esac
    done < <(find "$STUDIO_DIR/releases" -mindepth 1 -maxdepth 1 -printf '%T@ %f\n' | sort -rn | tail -n +4 | cut -d' ' -f2)
}
