"""Shell program that stands before each job: it waits for the launch, and limits the time."""

import shlex
from collections.abc import Mapping
from typing import Final

# Marks on the container's standard error; the job's two streams go to its standard output.
STARTED: Final = "started"
LIMIT_PASSED: Final = "time limit"
# Exit code of a job that was not launched: its input ended before the last line.
NOT_LAUNCHED: Final = 97

# Arguments: the last line of the input, the time limit or nothing, the grace, then the command.
# Variables of the job are exported by the input, so the names here must not be those of a job.
_PROGRAM: Final = f"""
_tradai_last=$1 _tradai_limit=$2 _tradai_grace=$3 _tradai_input= _tradai_ready=
shift 3
while IFS= read -r _tradai_line; do
    if [ "$_tradai_line" = "$_tradai_last" ]; then _tradai_ready=1; break; fi
    _tradai_input="$_tradai_input$_tradai_line
"
done
[ "$_tradai_ready" ] || exit {NOT_LAUNCHED}
exec 3>&2 2>&1 </dev/null
eval "$_tradai_input"
_tradai_input= _tradai_line=
echo "{STARTED}" >&3
if [ "$_tradai_limit" ]; then
    ( (
        sleep "$_tradai_limit"
        echo "{LIMIT_PASSED}" >&3
        kill -TERM $$
        sleep "$_tradai_grace"
        kill -KILL $$
    ) & )
fi
exec 3>&-
exec "$@"
"""


def entrypoint(digest: str, *, time_limit_s: int | None, stop_grace_s: int) -> list[str]:
    """Return the entry point of a container; the command of the job follows it.

    The command runs once the container has read an input that `launch_input` makes. When the input
    ends before its last line, the container ends with `NOT_LAUNCHED`.
    """
    limit = "" if time_limit_s is None else str(time_limit_s)
    return ["sh", "-c", _PROGRAM, "tradai-job", digest, limit, str(stop_grace_s)]


def launch_input(digest: str, secrets: Mapping[str, str]) -> bytes:
    """Return the input that launches the job with `secrets` in its environment."""
    exports = [f"export {name}={shlex.quote(value)}" for name, value in secrets.items()]
    return "\n".join([*exports, digest, ""]).encode()
