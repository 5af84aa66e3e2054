# Functions for scripts that run several checks; sourced, never run. `step "Title" command...` runs
# the command under a heading and records its outcome; `summary` lists all steps and fails if one
# failed.
# shellcheck shell=bash

_step_lines=()
_failed_steps=0

step() {
    local title=$1 started=$SECONDS verdict=ok
    shift
    printf '\n=== %s\n' "$title"
    if ! "$@"; then
        verdict=FAILED
        _failed_steps=$((_failed_steps + 1))
    fi
    _step_lines+=("$(printf '%-7s %4d s  %s' "$verdict" $((SECONDS - started)) "$title")")
}

summary() {
    printf '\n=== Summary of %s\n' "$1"
    printf '%s\n' "${_step_lines[@]}"
    ((_failed_steps == 0))
}
