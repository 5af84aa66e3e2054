"""Write the generated pages of docs/reference from the code; `--check` only compares.

Run inside the workspace: ``uv run --frozen python scripts/reference.py``.
"""

import sys
from collections.abc import Iterator
from importlib.metadata import entry_points
from pathlib import Path

from tradai.core import BaseSettings, TradingMode
from tradai.entrypoint import ExitCode, RunParameters

REFERENCE = Path(__file__).resolve().parent.parent / "docs" / "reference"


def exit_codes() -> Iterator[str]:
    """Yield the page of exit codes."""
    yield "# Exit codes"
    yield ""
    yield "Generated from `tradai.entrypoint.ExitCode` by `scripts/reference.py`."
    yield ""
    yield "| code | name | meaning |"
    yield "|---:|---|---|"
    for code in ExitCode:
        yield f"| {int(code)} | {code.name} | {code.meaning} |"
    yield ""
    yield "A process that is killed outright (SIGKILL) ends with 137 and leaves a manifest whose"
    yield "`state` is `running`."


def settings() -> Iterator[str]:
    """Yield the page of environment variables."""
    yield "# Settings"
    yield ""
    yield "Generated from the settings classes of all slices by `scripts/reference.py`. Every"
    yield "variable is optional unless it says *required*; one that is set but empty is an error."
    yield "`tradai-entrypoint doctor` shows the values of this machine and where they come from."
    for entry in sorted(entry_points(group="tradai.settings"), key=lambda one: one.name):
        kind: type[BaseSettings] = entry.load()
        yield ""
        yield f"## {entry.name}: `{entry.value.replace(':', '.')}`"
        yield ""
        yield (kind.__doc__ or "").strip().splitlines()[0]
        yield ""
        yield "| variable | default |"
        yield "|---|---|"
        for setting in kind.explain({}):
            yield f"| `{setting.variable}` | {_default(kind, setting.name)} |"
    yield ""
    yield "## Strategy configuration"
    yield ""
    yield "`TRADAI_STRATEGY__<KEY>` lies over the configuration file; two underscores go one level"
    yield "down: `TRADAI_STRATEGY__EXECUTION__MAX_OPEN_TRADES=2`."


def run_parameters() -> Iterator[str]:
    """Yield the page of run parameters."""
    yield "# Run parameters"
    yield ""
    yield "The `run:` block of a configuration, or `run.<name>=value` on the command line."
    yield "Generated from `tradai.entrypoint.RunParameters` by `scripts/reference.py`."
    yield ""
    yield "| parameter | default |"
    yield "|---|---|"
    for name, field in RunParameters.model_fields.items():
        default = field.get_default(call_default_factory=True)
        yield f"| `run.{name}` | {'-' if default is None else f'`{default}`'} |"
    yield ""
    yield f"Modes: {', '.join(f'`{mode.value}`' for mode in TradingMode)}."


def _default(kind: type[BaseSettings], name: str) -> str:
    field = kind.model_fields[name]
    if field.is_required():
        return "*required*"
    return "-" if field.default is None else f"`{getattr(field.default, 'value', field.default)}`"


PAGES = {"exit-codes.md": exit_codes, "settings.md": settings, "run-parameters.md": run_parameters}


def main() -> int:
    """Write or compare every page; return 1 when one is not in step."""
    stale = []
    for name, lines in PAGES.items():
        path = REFERENCE / name
        text = "\n".join(lines()) + "\n"
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            stale.append(name)
            if "--check" not in sys.argv:
                path.write_text(text, encoding="utf-8")
    if stale and "--check" in sys.argv:
        print(f"not in step with the code: {', '.join(stale)}; run scripts/reference.py")
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
