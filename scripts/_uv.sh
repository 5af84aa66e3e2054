# Sourced by the other scripts, never run. Moves to the repository's root and makes `uv` (0.9 or
# later) callable: the one on PATH if it is new enough, else a private one in .venv-uv, made with
# the first Python 3.11 or later on PATH. Nothing is installed outside the repository, except
# that root on a machine with apt-get gets python3-venv when Python came without it. Also defines
# the two environments: .venv for development, .venv-freqtrade for the engine.
# shellcheck shell=bash

cd "$(dirname "${BASH_SOURCE[0]}")/.."
# An environment that is active in the caller's shell must not decide what is tested here.
unset VIRTUAL_ENV PYTHONHOME PYTHONPATH UV_PROJECT_ENVIRONMENT
# The tests start hundreds of interpreters, which are not to compile everything anew each time.
unset PYTHONDONTWRITEBYTECODE

ENGINE_ENVIRONMENT=$PWD/.venv-freqtrade

sync_workspace() { uv sync --frozen "$@"; }

sync_engine() {
    UV_PROJECT_ENVIRONMENT=$ENGINE_ENVIRONMENT \
        uv sync --frozen --no-dev --package tradai-entrypoint --package tradai-aws \
        --package tradai-mlflow \
        --extra freqtrade --extra postgres "$@"
}

_is_usable_uv() {
    local version
    version=$("$1" --version 2>/dev/null) || return 1
    [[ $version =~ ^uv\ ([0-9]+)\.([0-9]+) ]] || return 1
    ((BASH_REMATCH[1] > 0 || BASH_REMATCH[2] >= 9))
}

_find_python() {
    local python
    for python in $(type -aP python3 python3.13 python3.12 python3.11 python3.14); do
        if "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            printf '%s\n' "$python"
            return
        fi
    done
    echo "Python 3.11 or later is needed and none is on PATH. Install it (Debian, Ubuntu:" \
        "apt-get install python3 python3-venv; macOS: brew install python) and try again." >&2
    return 1
}

_require_ensurepip() {
    local python=$1 package
    "$python" -c 'import ensurepip' 2>/dev/null && return
    # Debian splits ensurepip off into a package that is named after the Python.
    package=$("$python" -c 'import sys; print("python3.%d-venv" % sys.version_info[1])')
    if [[ $EUID == 0 ]] && command -v apt-get >/dev/null; then
        echo "Installing $package: $python cannot make virtual environments without it." >&2
        apt-get update -qq && apt-get install -y -qq --no-install-recommends "$package" >/dev/null </dev/null
    fi
    "$python" -c 'import ensurepip' 2>/dev/null && return
    echo "$python cannot make virtual environments: its module ensurepip is missing." \
        "Install it (Debian, Ubuntu: sudo apt-get install $package), or install uv 0.9 or" \
        "later yourself, and try again." >&2
    return 1
}

_install_uv() {
    local python
    python=$(_find_python)
    # Of several scripts at once, one installs: they share a lock on this folder until it is closed.
    exec 9<scripts
    "$python" -c 'import fcntl; fcntl.flock(9, fcntl.LOCK_EX)'
    _is_usable_uv .venv-uv/bin/uv || _make_uv "$python"
    exec 9<&-
}

_make_uv() {
    local python=$1
    _require_ensurepip "$python"
    echo "No uv 0.9 or later on PATH: installing one into .venv-uv." >&2
    "$python" -m venv --clear .venv-uv
    .venv-uv/bin/python -m pip install --quiet --disable-pip-version-check 'uv>=0.13,<0.14'
}

if ! _is_usable_uv uv; then
    _is_usable_uv .venv-uv/bin/uv || _install_uv
    PATH=$PWD/.venv-uv/bin:$PATH
fi
