"""The operator who types a command, and the ages that are shown to them."""

import argparse
import getpass

from tradai.core.exceptions import ConfigurationError
from tradai.entrypoint._report.formatting import duration


def operator_of(args: argparse.Namespace) -> str:
    """Return the name of the operator, by default that of the login.

    Raises:
        ConfigurationError: This login has no name.
    """
    if args.by is not None:
        return str(args.by)
    try:
        return getpass.getuser()
    # Without a name, Python 3.11 and 3.12 raise the former.
    except (KeyError, OSError):
        pass
    raise ConfigurationError("this login has no name: say with --by who asks for it")


def ago(seconds: float) -> str:
    """Return an age for people."""
    return f"{duration(seconds)} ago"
