# shellcheck shell=bash
# Docker: the door, PostgreSQL and Redis are one project, `studio`, and each colour is another beside
# it, made from the release's own compose.prod.yml and colour.yml. Runs there.
#
#   STUDIO_IMAGE   a registry's name of the image, from which it is pulled by commit; as it is given,
#                  `studio`, the image is built on the host
: "${STUDIO_DIR:?}"
export STUDIO_IMAGE=${STUDIO_IMAGE:-studio} DOOR_PORTS="80 443"
ROLES="web socket worker-pictures worker-chores"

check() {
    need base64 curl docker flock tar && need_room || return 1
    docker compose version >/dev/null 2>&1 || say_missing "Docker Compose does not answer."
}

build() {
    if [[ $STUDIO_IMAGE == */* ]]; then
        docker pull --quiet "$STUDIO_IMAGE:$1" >&2
    elif ! docker image inspect "studio:$1" >/dev/null 2>&1; then
        docker build --quiet -f "$(release "$1")/docker/Dockerfile" --build-arg COMMIT="$1" \
            -t "studio:$1" "$(release "$1")" >&2
    fi
}

forget() {
    docker image rm "$STUDIO_IMAGE:$1" >/dev/null 2>&1 || true
    rm -rf "$(release "$1")"
}

# composed COMMIT FILE ARGUMENT…
composed() {
    local home
    home=$(release "$1")
    STUDIO_TAG=$1 docker compose --env-file "$home/.env" --progress quiet \
        -f "$2/docker/compose.prod.yml" "${@:3}" >&2
}

# shared COMMIT …: the door and what stands behind everything.
shared() { composed "$1" "$STUDIO_DIR/shared" -p studio "${@:2}"; }

# coloured COLOUR COMMIT …: one release's own processes.
coloured() {
    COLOUR=$1 composed "$2" "$(release "$2")" -f "$(release "$2")/docker/hosts/colour.yml" \
        -p "studio-$1" "${@:3}"
}

# What a colour is started from is its release's; the rest of the project keeps a place of its own.
place_shared() {
    mkdir -p "$STUDIO_DIR/shared/docker"
    cp -R "$(release "$1")/docker/compose.prod.yml" "$(release "$1")/docker/nginx" "$STUDIO_DIR/shared/docker/"
    ln -sfn "$(release "$1")/.env" "$STUDIO_DIR/shared/.env"
}

check_environment() {
    [ -e "$STUDIO_DIR/shared" ] || place_shared "$1"
    # Between them these two have every network and volume, which the colours only join.
    shared "$1" up --no-start --no-deps --no-recreate migrate nginx
    shared "$1" up -d --no-recreate --wait postgres redis
    coloured check "$1" run --rm --no-deps -T web python manage.py doctor settings django database redis translations
}

# A lock that it waits for too long ends it, see docker/role: then once more.
migrate() { again coloured migrate "$1" run --rm --no-deps -T migrate; }

start() {
    stop "$1" web socket worker || true # that were let go and are not gone yet
    echo "$2" >"$STUDIO_DIR/run-$1"
    # shellcheck disable=SC2086
    coloured "$1" "$2" up -d --no-deps $ROLES
}

# Each container's own health check does its work: pages, a handshake, a canary by each queue.
wait_until_well() {
    # shellcheck disable=SC2086
    coloured "$1" "$2" up -d --no-deps --no-recreate --wait --wait-timeout "$WAIT_SECONDS" $ROLES
}

start_singles() {
    local roles=(beat)
    if has_bot "$2"; then roles+=(bot); fi
    coloured "$1" "$2" up -d --no-deps --wait --wait-timeout "$WAIT_SECONDS" "${roles[@]}"
}

# What is not healthy is found by `--wait`; what dies is started again by Docker, and found so too.
has_died() { return 1; }

wait_until_served() { wait_for "the studio" "$1" is_served "$2"; }

# stop COLOUR ROLE…: in the time that compose.prod.yml gives each.
stop() {
    local colour=$1 commit role roles=()
    shift
    commit=$(cat "$STUDIO_DIR/run-$colour" 2>/dev/null) || return 0
    for role in "$@"; do
        if [ "$role" = worker ]; then roles+=(worker-pictures worker-chores); else roles+=("$role"); fi
    done
    coloured "$colour" "$commit" rm --stop --force "${roles[@]}"
}

# switch COLOUR COMMIT: nginx gets this release's configuration, which leads to this colour.
switch() {
    place_shared "$2"
    lead_to "$STUDIO_DIR/shared/docker/nginx/upstreams.conf" "web-$1:8000" "socket-$1:8001"
    shared "$2" up -d --no-deps --no-recreate nginx
    shared "$2" exec -T nginx /studio/start reload
}
