"""Answer a shell that asks for completions; it starts the program anew each time."""

import argparse
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Final, TypeAlias, final

from argcomplete.completers import SuppressCompleter
from argcomplete.finders import CompletionFinder

from tradai.entrypoint._commands.completion import candidates

_Candidates: TypeAlias = Callable[[argparse.Namespace, str], Iterable[str]]

_BY_DEST: Final[Mapping[str, _Candidates]] = {
    "run": candidates.run_ids,
    "other": candidates.run_ids,
    "replay": candidates.run_ids,
    "continues": candidates.dry_run_ids,
    "session": candidates.session_names,
    "job": candidates.job_ids,
    "vary": candidates.config_keys,
}
_BY_METAVAR: Final[Mapping[str, _Candidates]] = {
    "FIGURE": candidates.figures,
    **dict.fromkeys(("CONFIG", "DIR", "FILE", "FOLDER"), candidates.paths),
}
# Arguments among which overrides may stand.
_CONFIGS: Final = frozenset({"overrides", "configs"})
_CONFIG: Final = ("config", "configs")


def answer(parser: argparse.ArgumentParser) -> None:
    """Write the completions of the line in the shell's variables, and end the process."""
    for each in _with_commands(parser):
        _attach(each)
    _Finder()(parser, always_complete_options=False, default_completer=SuppressCompleter())


@final
class _Finder(CompletionFinder):
    """Finds overrides after flags too, where argparse itself takes none."""

    def collect_completions(
        self,
        active_parsers: list[argparse.ArgumentParser],
        parsed_args: argparse.Namespace,
        cword_prefix: str,
    ) -> list[str]:
        """Return the completions of the word that begins with `cword_prefix`."""
        found: list[str] = super().collect_completions(active_parsers, parsed_args, cword_prefix)
        # CONFIG comes first; all keys would hide its candidates.
        may_start = cword_prefix or any(vars(parsed_args).get(name) for name in _CONFIG)
        if may_start and _takes_override(active_parsers[-1], cword_prefix):
            keys = candidates.config_keys(parsed_args, cword_prefix)
            found += [key for key in keys if key.startswith(cword_prefix)]
        return found


def _takes_override(parser: argparse.ArgumentParser, prefix: str) -> bool:
    # The finder notes here, for each parser, the actions that may take the next word.
    waiting: list[argparse.Action] = getattr(parser, "active_actions", [])
    is_value = any(action.option_strings for action in waiting)
    takes = any(action.dest in _CONFIGS for action in _actions(parser))
    return takes and not is_value and not prefix.startswith("-")


def _with_commands(parser: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    yield parser
    for action in _actions(parser):
        # Its commands, by name; the choices of other actions are texts.
        commands = action.choices if isinstance(action.choices, Mapping) else {}
        for command in commands.values():
            yield from _with_commands(command)


def _attach(parser: argparse.ArgumentParser) -> None:
    """Give each argument its completer, in the attribute in which argcomplete looks for it."""
    for action in _actions(parser):
        found = _BY_DEST.get(action.dest) or _BY_METAVAR.get(str(action.metavar))
        if found is not None:
            vars(action)["completer"] = _completer(found)


def _completer(found: _Candidates) -> Callable[..., Iterable[str]]:
    def complete(*, prefix: str, parsed_args: argparse.Namespace, **_: object) -> Iterable[str]:
        return found(parsed_args, prefix)

    return complete


def _actions(parser: argparse.ArgumentParser) -> list[argparse.Action]:
    # argparse has no public name for the arguments of a parser (SLF001).
    return parser._actions  # noqa: SLF001
