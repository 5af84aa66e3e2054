"""Refuse keys that cannot be meant, before anything is signed with them."""

import re
from typing import Final

from tradai.core.exceptions import ConfigurationError
from tradai.entrypoint._live._account.account import ApiKeys

_STAND_INS: Final = re.compile(
    r"(demo|test|example|sample|dummy|changeme|your|todo|x+$)", re.IGNORECASE | re.ASCII
)
_SHORTEST: Final = 16


def check_keys(keys: ApiKeys) -> None:
    """Require a key and a secret that an exchange could have given out; neither is shown.

    Raises:
        ConfigurationError: One is too short, a stand-in such as ``demo``, both are the same,
            or the secret has digits alone, which other programs take for a number.
    """
    key, secret = keys.key.reveal(), keys.secret.reveal()
    problem = _problem("key", key) or _problem("secret", secret)
    if problem is None and key == secret:
        problem = "key and secret are the same"
    if problem is None and secret.isdigit():
        problem = "the secret has digits alone, which no exchange we know gives out"
    # A traceback may show what this frame holds.
    del key, secret
    if problem is not None:
        message = (
            f"the API keys of the exchange cannot be meant: {problem}; store those of the trading "
            "account where TRADAI_LIVE_API_KEY and TRADAI_LIVE_API_SECRET point to"
        )
        raise ConfigurationError(message, key="exchange key")


def _problem(name: str, text: str) -> str | None:
    if _STAND_INS.match(text):
        return f"the {name} is a stand-in, such as one of a demo"
    return f"the {name} is too short" if len(text) < _SHORTEST else None
