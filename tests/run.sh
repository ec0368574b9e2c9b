#!/usr/bin/env bash
# All tests with what this machine has: SQLite always, PostgreSQL, Redis and Chromium where found.
# REQUIRE_ALL=1 (as in CI) makes anything missing a failure instead of a skip.
set -u
cd "$(dirname "$0")/.."
bin=.venv/bin
export ENV_FILE=/dev/null DEBUG=true
export DATA_DIR=$(mktemp -d)
trap 'rm -rf "$DATA_DIR"' EXIT
unset TELEGRAM_BOT_TOKEN DATABASE_URL REDIS_URL BROKER_URL CHANNELS_URL CACHE_URL SECRET_KEY
postgres=${TEST_DATABASE_URL:-postgres://postgres@127.0.0.1:5432/postgres}
redis=${TEST_REDIS_URL:-redis://127.0.0.1:6379/9}
missing=()

found() { "$bin/python" -c "$1" "$2" 2>/dev/null; }
found 'import psycopg, sys; psycopg.connect(sys.argv[1], connect_timeout=3).close()' "$postgres" \
    || missing+=("PostgreSQL: apt-get install postgresql, or set TEST_DATABASE_URL to a database whose role may create databases")
found 'import redis, sys; redis.Redis.from_url(sys.argv[1], socket_timeout=3).ping()' "$redis" \
    || missing+=("Redis: apt-get install redis-server, or set TEST_REDIS_URL")
command -v chromium >/dev/null || missing+=("Chromium: apt-get install chromium")
command -v redis-server >/dev/null || missing+=("redis-server, which the chaos test starts: apt-get install redis-server")

[ -x /usr/sbin/pgbouncer ] || missing+=("PgBouncer, which a test puts before PostgreSQL: apt-get install pgbouncer")
PATH=$PATH:/usr/sbin command -v nginx >/dev/null || missing+=("nginx, before the real processes: apt-get install nginx-light")
command -v envsubst >/dev/null || missing+=("envsubst, for nginx's configuration: apt-get install gettext-base")
command -v openssl >/dev/null || missing+=("openssl, for a certificate: apt-get install openssl")
command -v git >/dev/null || missing+=("git, for the commits that are deployed: apt-get install git")
command -v shellcheck >/dev/null || missing+=("shellcheck, for the scripts of a deploy: apt-get install shellcheck")
command -v curl >/dev/null || missing+=("curl, for nginx's health: apt-get install curl")
unshare --mount true 2>/dev/null || missing+=("the right to mount, for the image's root: run as root, in a container with --privileged")

if [ ${#missing[@]} -gt 0 ]; then
    echo "Not on this machine, so tests that need it are skipped:"
    printf '  - %s\n' "${missing[@]}"
    [ -z "${REQUIRE_ALL:-}" ] || { echo "REQUIRE_ALL is set: nothing may be skipped."; exit 1; }
fi

echo "== SQLite, in-process queue =="
"$bin/pytest" -q -n 2 --dist loadfile --ignore tests/chaos --ignore tests/concurrency \
    --ignore tests/deploy --ignore tests/docker/test_running.py \
    --ignore tests/generation/test_redis_layer.py "$@" || exit 1
case "${missing[*]-}" in
    *PostgreSQL*|*"Redis:"*) echo "PostgreSQL and Redis pass skipped, see above." ; exit 0 ;;
esac
echo "== PostgreSQL and Redis =="  # less what knows of no database
DATABASE_URL=$postgres REDIS_URL=$redis TEST_PASS=postgres \
    "$bin/pytest" -q -n 2 --dist loadfile --ignore tests/e2e \
    --ignore tests/telegram_integration/fake_botapi --ignore-glob "tests/generation/providers/test_local*" "$@"
