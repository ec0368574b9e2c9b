# shellcheck shell=bash
# Steps 5 and 6 of a deploy, which a rollback shares: start the new beside the old, wait until it is
# well, switch, let the old drain and end. Whatever fails before that puts everything back, by itself.
stage=''
old=''
old_commit=''

# take_over COLOUR COMMIT
take_over() {
    new=$1
    commit=$2
    read -r old old_commit < <(ask current) || true
    trap put_back EXIT
    trap 'exit 130' INT TERM

    say "5/6  start $new ($commit) beside ${old:-nothing} and wait until it is well"
    stage=started
    act start "$new" "$commit"
    act wait_until_well "$new" "$commit" || fail "$new is not well."

    say "6/6  switch to $new; ${old:-nothing} finishes what it has in hand and ends"
    stage=switched
    act switch "$new" "$commit"
    # Only one clock and one poller may run, so these two change places while the rest overlaps.
    # What the clock would have rung meanwhile, every worker looks for by itself.
    if [ -n "$old" ]; then act stop "$old" beat bot; fi
    act start_singles "$new" "$commit"
    act wait_until_served "$new" "$commit" || fail "The studio is not well behind its door."

    stage=
    act remember "$new" "$commit"
    # Nobody need wait until a worker has finished what it has in hand, or until the last page was
    # told to go elsewhere, which is done slowly so that the new one is not met by all at once.
    if [ -n "$old" ]; then act let_go "$old" web socket worker; fi
}

conclude() { if [ -n "$dry_run" ]; then say "     a dry run: nothing was changed"; else say "     done: $*"; fi; }

put_back() {
    local status=$?
    trap - EXIT
    case $stage in
        started) say "     rolled back: $new is removed, ${old:-nobody} serves on" ;;
        switched)
            say "     rolled back: ${old:-nobody} serves again, $new is removed"
            if [ -n "$old" ]; then act switch "$old" "$old_commit" || true; fi
            act stop "$new" beat bot || true
            if [ -n "$old" ]; then act start_singles "$old" "$old_commit" || true; fi
            ;;
    esac
    if [ -n "$stage" ]; then act stop "$new" web socket worker beat bot || true; fi
    exit "$status"
}
