# shellcheck shell=bash
# Is it well? Asked from the host itself. Runs there; `has_died` is the kind's own.
WAIT_SECONDS=${STUDIO_WAIT_SECONDS:-60}

# setting COMMIT NAME: from the environment file.
setting() { sed -n "s/^$2=//p" "$(release "$1")/.env" | tail -n 1; }

has_bot() { [ -n "$(setting "$1" TELEGRAM_BOT_TOKEN)" ] && [ "$(setting "$1" TELEGRAM_MODE)" != off ]; }

# wait_for NAME COLOUR COMMAND…: until it is true. What dies while it starts will not get well.
wait_for() {
    local name=$1 colour=$2 end=$((SECONDS + WAIT_SECONDS))
    shift 2
    until "$@"; do
        ! has_died "$colour" || say_missing "A process of $colour died." || return 1
        [ $SECONDS -lt $end ] || say_missing "In $WAIT_SECONDS s $name did not get well." || return 1
        sleep 0.2
    done
}

# host COMMIT: the name that the studio is known by.
host() {
    local host
    host=$(setting "$1" SITE_URL)
    host=${host#*://}
    echo "${host%%[:/]*}"
}

# is_served COMMIT: through the door of this machine, as people see it; all parts of it are well.
# DOOR_PORTS is where the kind's door listens, without and with TLS, unless the environment says.
is_served() {
    local plain tls door said
    read -r plain tls <<<"$DOOR_PORTS"
    if [ "$(setting "$1" DOOR)" = plain ]; then
        door=http://$(host "$1"):$plain
    else
        door=https://$(host "$1"):$tls
    fi
    said=$(curl -sSk -m 10 -f --connect-to ::127.0.0.1: "$door/health" 2>/dev/null) &&
        [[ $said == *"\"commit\": \"$1\""* ]]
}

# lead_to FILE WEB SOCKET: in nginx's upstreams.conf, as one change.
lead_to() {
    sed -E "/^upstream web /,/^}/ s/server [^;]+;/server $2;/
            /^upstream socket /,/^}/ s/server [^;]+;/server $3;/" "$1" >"$1.new"
    mv "$1.new" "$1"
}
