"""Schemes of secret references: the built-in ones, and those of `tradai.secrets` entry points.

A distribution adds a scheme by such an entry point; nothing changes here.
"""

import re
from importlib.metadata import entry_points
from typing import Final

_GROUP: Final = "tradai.secrets"

_KEY: Final = r"(?:#(?P<key>[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*))?"
_STAGE: Final = r"(?:@(?P<stage>[A-Za-z0-9_+=.-]{1,256}))?"
# Names and stages of AWS Secrets Manager, ARNs included; `@`, which it allows in names, is ours.
# https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_CreateSecret.html
BUILT_IN: Final = {
    "env": re.compile(rf"(?P<name>[A-Za-z_][A-Za-z0-9_]*){_KEY}(?P<stage>(?!))?"),
    "file": re.compile(rf"(?P<name>[^#\s\0]+){_KEY}(?P<stage>(?!))?"),
    "aws-sm": re.compile(rf"(?P<name>[A-Za-z0-9/_+=.:-]{{1,2048}}){_KEY}{_STAGE}"),
}
_PLUGIN: Final = re.compile(rf"(?P<name>[^#@\s\0]+){_KEY}{_STAGE}")


def is_scheme(scheme: str) -> bool:
    """Tell whether references of `scheme` are known: it is built in, or a plugin serves it."""
    return scheme in BUILT_IN or scheme in entry_points(group=_GROUP).names


def reference_grammar(scheme: str) -> re.Pattern[str]:
    """Return the grammar of the text after `scheme` and its colon: name, key and stage."""
    return BUILT_IN.get(scheme, _PLUGIN)
