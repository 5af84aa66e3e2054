# Functions for scripts that run several checks; sourced, never run. `step "Title" command...` runs
# the command under a heading and records its outcome and its seconds; `summary` lists all steps and
# fails if one failed. `aside function` runs a function of steps in the background, with a lower
# priority; `join` waits for it, prints its output, and takes over its outcomes. `limit_tests SECONDS`
# sets `test_limits`, options of pytest. `in_memory command...` keeps the temporary files of its tests
# in memory.
# shellcheck shell=bash

_step_lines=()
_failed_steps=0

# A test that hangs fails at its time. Where that fails too, as a thread that it waits for hangs as
# well, its process ends at twice the time: pytest-xdist fails the test, and goes on in a new one.
limit_tests() {
    test_limits=(--timeout "$1" -o "faulthandler_timeout=$((2 * $1))")
    test_limits+=(-o faulthandler_exit_on_timeout=true)
}

# Unit tests force thousands of small files to disk; no power is lost between two of them. Where
# memory for files is small, as in a container, they stay on disk.
in_memory() {
    local free
    free=$(df --output=avail --block-size=M /dev/shm 2>/dev/null | tail -n 1 | tr -dc 0-9)
    if ((${free:-0} < 2048)); then
        "$@"
        return
    fi
    (
        PYTEST_DEBUG_TEMPROOT=$(mktemp -d /dev/shm/tests.XXXXXX)
        export PYTEST_DEBUG_TEMPROOT
        trap 'rm -rf "$PYTEST_DEBUG_TEMPROOT"' EXIT
        "$@"
    )
}

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

aside() {
    _aside=$(mktemp -d)
    # Job control gives it a group of its own, so that it ends together with this script.
    set -m
    {
        # Where the system refuses it, the steps compete.
        renice -n 5 -p "$BASHPID" >/dev/null 2>&1 || true
        _step_lines=()
        _failed_steps=0
        "$@"
        printf '%s\n' "${_step_lines[@]}" >"$_aside/lines"
        printf '%s\n' "$_failed_steps" >"$_aside/failed"
    } >"$_aside/output" 2>&1 </dev/null &
    _aside_group=$!
    set +m
    trap 'kill -- "-$_aside_group" 2>/dev/null || true; rm -rf "$_aside"' EXIT
}

join() {
    local lines=() failed=1
    wait "$_aside_group" || true
    cat "$_aside/output"
    if [[ -f $_aside/failed ]]; then
        mapfile -t lines <"$_aside/lines"
        read -r failed <"$_aside/failed"
    else
        lines=("FAILED          the steps beside the others: they ended early")
    fi
    _step_lines+=("${lines[@]}")
    _failed_steps=$((_failed_steps + failed))
    rm -rf "$_aside"
    trap - EXIT
}

summary() {
    printf '\n=== Summary of %s\n' "$1"
    printf '%s\n' "${_step_lines[@]}"
    ((_failed_steps == 0))
}
