# shellcheck shell=bash
# A bare machine: plain processes behind nginx, each kept alive by supervise.sh. Runs there.
#
#   STUDIO_PORTS         first port of blue and of green: pages there, sockets one above
#   STUDIO_WEB_WORKERS   processes for pages        STUDIO_WORKERS   workers
#
# Packages and static files are kept by what they are made from: most releases find theirs made.
: "${STUDIO_DIR:?}"
STUDIO_PORTS=${STUDIO_PORTS:-8100 8110}
STOP_SECONDS=60

check() {
    need curl flock nginx python3 setsid sha256sum tar && need_room
}

# ── building ─────────────────────────────────────────────────────────────────────────────────────

build() {
    cd "$(release "$1")" || return 1
    made venvs .venv make_packages requirements/base.txt
    made statics staticfiles make_statics static requirements/base.txt aibot/settings.py
    mkdir -p "$STUDIO_DIR"/{data/media,static,run,logs}
}

# made KIND LINK MAKE SOURCE…: a folder that is made once for the same sources, and linked here.
made() {
    local kind=$1 link=$2 make=$3 digest folder
    shift 3
    digest=$(find "$@" -type f -print0 | sort -z | xargs -0 sha256sum | sha256sum | cut -c 1-16)
    folder=$STUDIO_DIR/$kind/$digest
    if [ ! -e "$folder/.made" ]; then
        rm -rf "$folder"
        mkdir -p "$folder"
        ln -sfn "$folder" "$link"
        "$make" "$folder"
        touch "$folder/.made"
    fi
    ln -sfn "$folder" "$link"
}

make_packages() {
    python3 -m venv "$1"
    "$1/bin/python" -m pip install --quiet --disable-pip-version-check --retries 5 -r requirements/base.txt
}

make_statics() {
    ENV_FILE=/dev/null SECRET_KEY=build DEBUG=false DATA_DIR=$(mktemp -d) \
        .venv/bin/python manage.py collectstatic --noinput --verbosity=0
}

# And what no release that is left was made with.
forget() {
    local folder links
    rm -rf "$(release "$1")"
    links=" $(readlink "$STUDIO_DIR"/releases/*/{.venv,staticfiles} | tr '\n' ' ' || true)"
    for folder in "$STUDIO_DIR"/{venvs,statics}/*; do
        case $links in *" $folder "*) ;; *) rm -rf "$folder" ;; esac
    done
}

# ── running ──────────────────────────────────────────────────────────────────────────────────────

# inside COMMIT COMMAND…: in the release, with its environment.
inside() {
    cd "$(release "$1")" || return 1
    export ENV_FILE=$PWD/.env COMMIT=$1 DEBUG=false DATA_DIR=$STUDIO_DIR/data TRUSTED_PROXIES=1
    export PATH=$PWD/.venv/bin:$PATH MEDIA_ACCEL=/_media/
    SITE_URL=$(setting "$1" SITE_URL) DATABASE_URL=$(setting "$1" DATABASE_URL)
    export SITE_URL DATABASE_URL
    shift
    "$@"
}

check_environment() { inside "$1" python manage.py doctor settings django database redis translations >&2; }

# A lock that it waits for too long ends it, see docker/role: then once more.
migrate() { STATIC_DIR=$STUDIO_DIR/static again inside "$1" docker/role migrate >&2; }

port() {
    local blue green
    read -r blue green <<<"$STUDIO_PORTS"
    if [ "$1" = blue ]; then echo "$blue"; else echo "$green"; fi
}

# as_role COLOUR COMMIT NAME ROLE…: as in an image, and heard on this machine alone.
as_role() {
    local at
    at=$(port "$1")
    BIND=127.0.0.1 WEB_PORT=$at SOCKET_PORT=$((at + 1)) WEB_WORKERS=${STUDIO_WEB_WORKERS:-2} \
        NODE=$1-$3 ROLE_FILE=$STUDIO_DIR/run/$1-$3.role "${@:4}"
}

start() {
    local number
    stop "$1" web socket worker # that were let go and are not gone yet
    rm -f "$STUDIO_DIR/run/$1-"*.deaths # of the last that had this colour
    run "$1" "$2" web
    run "$1" "$2" socket
    for number in $(seq "${STUDIO_WORKERS:-1}"); do run "$1" "$2" "worker-$number"; done
}

singles() { if has_bot "$1"; then echo beat bot; else echo beat; fi; }

start_singles() {
    local name
    for name in $(singles "$2"); do run "$1" "$2" "$name"; done
}

# run COLOUR COMMIT NAME, unless it runs. Of several workers each has a number.
run() {
    local file=$STUDIO_DIR/run/$1-$3.pid log=$STUDIO_DIR/logs/$1-$3.log
    if is_alive "$file"; then return; fi
    rm -f "$file.deaths"
    (as_role "$1" "$2" "$3" inside "$2" exec setsid bash docker/hosts/supervise.sh \
        "$file" docker/role "${3%%-*}" >>"$log" 2>&1 </dev/null &)
}

# Whether its supervisor lives: then it holds the file.
is_alive() { [ -e "$1" ] && ! flock -n "$1" true; }

# stop COLOUR ROLE…: all are told at once, and those that do not end in time are ended.
stop() {
    local colour=$1 role file files=() end=$((SECONDS + STOP_SECONDS))
    shift
    for role in "$@"; do
        for file in "$STUDIO_DIR/run/$colour-$role"*.pid; do
            if is_alive "$file"; then
                files+=("$file")
                kill -TERM "$(cat "$file")"
            fi
        done
    done
    for file in "${files[@]}"; do
        while is_alive "$file" && [ $SECONDS -lt $end ]; do sleep 0.1; done
        if is_alive "$file"; then kill -KILL -- "-$(cat "$file")"; fi
    done
}

# ── health ───────────────────────────────────────────────────────────────────────────────────────

# shellcheck disable=SC2046
wait_until_well() { each_is_well "$1" "$2" web socket $(seq -f 'worker-%g' "${STUDIO_WORKERS:-1}"); }

each_is_well() {
    local name
    for name in "${@:3}"; do wait_for "$1-$name" "$1" is_well "$1" "$2" "$name"; done
}

# What it says of itself counts from its start on. One look after the other from one process: each
# that starts would take a tenth of a second from those that are waited for.
is_well() {
    local file=$STUDIO_DIR/run/$1-$3.pid
    [ -e "$file" ] || return 1
    PATIENCE=3 LATE_SECONDS=$(($(date +%s) - $(stat -c %Y "$file") - 1)) as_role "$1" "$2" "$3" \
        inside "$2" docker/healthy "${3%%-*}" >/dev/null 2>&1
}

# The clock, the bot, and then every part of the studio, as people see it.
wait_until_served() {
    local plain tls
    plain=$(setting "$2" HTTP_PORT) tls=$(setting "$2" HTTPS_PORT)
    export DOOR_PORTS="${plain:-8080} ${tls:-8443}"
    # shellcheck disable=SC2046
    each_is_well "$1" "$2" $(singles "$2")
    wait_for "the studio" "$1" is_served "$2"
}

has_died() { compgen -G "$STUDIO_DIR/run/$1-*.deaths" >&2; }

# ── the door ─────────────────────────────────────────────────────────────────────────────────────

# switch COLOUR COMMIT: the release's own nginx configuration takes over and leads to this colour.
switch() {
    local at
    at=$(port "$1")
    lead_to "$(release "$2")/docker/nginx/upstreams.conf" "127.0.0.1:$at" "127.0.0.1:$((at + 1))"
    open_door "$2"
}

# nginx takes its names from the environment file too. A reload that it refuses changes nothing.
open_door() {
    local name file=$STUDIO_DIR/run/door.pid
    cd "$(release "$1")/docker/nginx" || return 1
    for name in SITE_URL ALLOWED_HOSTS DOOR TRUSTED_NETWORKS HTTP_PORT HTTPS_PORT TLS_DIR ACME_DIR; do
        export "$name=$(setting "$1" "$name")"
    done
    export RUN_DIR=$STUDIO_DIR/door MEDIA_DIR=$STUDIO_DIR/data/media STATIC_DIR=$STUDIO_DIR/static
    if is_alive "$file"; then
        ./start reload
    else
        (exec setsid bash ../hosts/supervise.sh "$file" "$PWD/start" run >>"$STUDIO_DIR/logs/door.log" 2>&1 </dev/null &)
    fi
}
