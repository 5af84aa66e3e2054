"""Grammar of `tradai-entrypoint models`."""

import argparse
from pathlib import Path
from typing import Final

from tradai.mlflow._registry.selector import CHAMPION

_CHOICE: Final = "NAME@ALIAS, NAME@v7 or NAME@latest"


def models_parser() -> argparse.ArgumentParser:
    """Return the parser of the arguments of the command."""
    parser = argparse.ArgumentParser(
        prog="tradai-entrypoint models",
        description="Register, compare, promote and roll back versions of models on the MLflow "
        "server of MLFLOW_TRACKING_URI. A model is a strategy, with trained models if it has some.",
    )
    verbs = parser.add_subparsers(title="verbs", metavar="VERB", dest="verb", required=True)
    verbs.add_parser("list", help="list the models and their aliases")
    show = verbs.add_parser("show", help="show a model with its versions and ledger, or a version")
    show.add_argument("model", metavar="MODEL", help=f"NAME for all versions; {_CHOICE} for one")
    _add_register(verbs)
    _add_promote(verbs)
    rollback = verbs.add_parser("rollback", help="undo the last promotion")
    rollback.add_argument("name", metavar="NAME", help="name of the model")
    _add_alias(rollback)
    diff = verbs.add_parser("diff", help="compare the configurations of two versions")
    diff.add_argument("first", metavar="FIRST", help=_CHOICE)
    diff.add_argument("second", metavar="SECOND", help=_CHOICE)
    for verb in verbs.choices.values():
        verb.add_argument("--json", action="store_true", help="print JSON")
    return parser


def _add_register(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    register = verbs.add_parser("register", help="register a run as a new version of a model")
    register.add_argument("name", metavar="NAME", help="name of the model")
    register.add_argument(
        "--run", metavar="DIR", type=Path, required=True, help="folder of a run that succeeded"
    )
    register.add_argument(
        "--experiment",
        metavar="NAME",
        help="experiment of the run (default: MLFLOW_EXPERIMENT_NAME, or the strategy)",
    )
    register.add_argument("--image", metavar="IMAGE", help="container image by its digest")
    _add_by(register)


def _add_promote(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    promote = verbs.add_parser(
        "promote",
        help="point an alias at a version that passes the gates",
        description="Point an alias at a version that passes the gates. Exit code 77 when one "
        "refuses.",
    )
    promote.add_argument("model", metavar="MODEL", help=f"the candidate: {_CHOICE}")
    promote.add_argument("--gates", metavar="FILE", type=Path, help="YAML with the gates")
    promote.add_argument(
        "--expect",
        metavar="VERSION",
        default="any",
        help="version that the alias must point at now, or 'none' (default: any)",
    )
    promote.add_argument("--dry-run", action="store_true", help="print the report, move nothing")
    _add_alias(promote)


def _add_alias(verb: argparse.ArgumentParser) -> None:
    verb.add_argument(
        "--alias", metavar="ALIAS", default=CHAMPION, help="the alias (default: champion)"
    )
    _add_by(verb)


def _add_by(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("--by", metavar="NAME", help="name for the ledger (default: the login)")
