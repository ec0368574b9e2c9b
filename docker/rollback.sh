#!/usr/bin/env bash
# Back to what served before the last deploy, by the same switch: docker/rollback.sh [--dry-run]
#
# Nothing is built and no migration is undone: the code of the last release works on the schema of
# this one. Rolled back twice is forward again. Where it goes: see hosts/reach.sh.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=docker/hosts/reach.sh
. "$here/hosts/reach.sh"
# shellcheck source=docker/hosts/taking_over.sh
. "$here/hosts/taking_over.sh"

case ${1:-} in
    --dry-run) dry_run=yes ;;
    "") ;;
    *) fail "usage: rollback.sh [--dry-run]" ;;
esac

say "1/6  check the connection to ${DEPLOY_HOST:-this machine}"
ask check </dev/null || fail "The host is not ready for a rollback."
take_lock
read -r serving _commit < <(ask current) || fail "Nothing serves there."
read -r _colour wanted < <(ask previous) || fail "Nothing served before."
ask has_release "$wanted" || fail "$wanted is no longer there."

say "2/6 to 4/6 are left out: $wanted is built, and knows its environment and this schema"
take_over "$(other "$serving")" "$wanted"
conclude "$wanted serves again"
