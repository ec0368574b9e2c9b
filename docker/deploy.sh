#!/usr/bin/env bash
# Puts a commit into production without a pause, in six steps. Whatever fails, the old one serves on.
#
#   docker/deploy.sh [--dry-run] [--env FILE] [COMMIT]
#
# COMMIT is the one that is checked out, unless given. --env sends a new environment file, which the
# first deploy needs. --dry-run looks at the host, prints every step and changes nothing.
# Where it goes is said by DEPLOY_HOST, HOST_KIND and STUDIO_DIR, see hosts/reach.sh.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=docker/hosts/reach.sh
. "$here/hosts/reach.sh"
# shellcheck source=docker/hosts/taking_over.sh
. "$here/hosts/taking_over.sh"

environment=''
wanted=HEAD
while [ $# -gt 0 ]; do
    case $1 in
        --dry-run) dry_run=yes ;;
        --env) environment=${2:?--env needs a file}; shift ;;
        -*) fail "usage: deploy.sh [--dry-run] [--env FILE] [COMMIT]" ;;
        *) wanted=$1 ;;
    esac
    shift
done
[ -z "$environment" ] || [ -r "$environment" ] || fail "$environment cannot be read."
wanted=$(git -C "$here" rev-parse --verify --quiet "$wanted^{commit}") || fail "No such commit."

say "1/6  check the connection to ${DEPLOY_HOST:-this machine}"
ask check </dev/null || fail "The host is not ready for a deploy."
take_lock
read -r serving _commit < <(ask current) || serving=

say "2/6  build $wanted"
if ! ask has_release "$wanted"; then
    git -C "$here/.." archive "$wanted" | give receive "$wanted"
fi
act build "$wanted"

say "3/6  copy the environment file and check it"
if [ -n "$environment" ]; then
    give receive_environment "$wanted" <"$environment"
else
    act keep_environment "$wanted"
fi
act check_environment "$wanted" || fail "The environment is not fit for production."

say "4/6  migrate: the old code goes on with the new schema"
act migrate "$wanted" || fail "The schema is as it was, or between two migrations; see above."

take_over "$(other "${serving:-green}")" "$wanted"
act forget_old_releases
conclude "$wanted serves"
