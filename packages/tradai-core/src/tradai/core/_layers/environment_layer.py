"""Environment variables as a layer."""

import os
from collections.abc import Mapping
from typing import final

from tradai.core._layers.layer import LayerData, Origin
from tradai.core._layers.text_values import read_entry, stack_entries


@final
class EnvironmentLayer:
    """Variables such as ``TRADAI_STRATEGY__EXECUTION__STAKE_AMOUNT=50``.

    After the prefix comes the path of a key in small letters, its steps joined by ``__``; a
    value is read as YAML, so ``[BTC/USDT, ETH/USDT]`` is a list. Keys with capital letters can
    only be set in a file or on the command line.
    """

    def __init__(
        self, environ: Mapping[str, str] | None = None, *, prefix: str = "TRADAI_STRATEGY__"
    ) -> None:
        """Read `environ`, by default the environment of the process at the time of `load`."""
        self.name = "environment"
        self._environ = environ
        self._prefix = prefix

    def load(self) -> LayerData:
        """Read the variables, in the order of their names.

        Raises:
            ConfigurationError: A variable is empty, or not named or written as it should be.
        """
        environ = os.environ if self._environ is None else self._environ
        names = sorted(name for name in environ if name.startswith(self._prefix))
        return stack_entries(
            read_entry(
                name.removeprefix(self._prefix).lower().split("__"),
                environ[name],
                place=name,
                origin=Origin(source=name),
            )
            for name in names
        )
