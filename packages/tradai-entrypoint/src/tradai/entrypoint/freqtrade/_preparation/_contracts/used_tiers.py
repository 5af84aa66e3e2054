"""Leverage tiers of a run: the file beside its candles, or else the engine's own."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from tradai.entrypoint._runs.context import RunContext
from tradai.entrypoint.freqtrade._candles.dataset import data_folder
from tradai.entrypoint.freqtrade._engine.install import EngineInstall, engine_environment
from tradai.entrypoint.freqtrade._engine.package_overlay import overlay_package
from tradai.entrypoint.freqtrade._exchange.leverage_tiers import (
    TIERS_NAME,
    LeverageTiers,
    load_tiers,
)
from tradai.entrypoint.freqtrade._exchange.supported_exchanges import exchange_named

DIGEST_NAME: Final = "leverage_tiers"


def use_tiers(context: RunContext, engine: EngineInstall, data: str) -> LeverageTiers | None:
    """Record the leverage tiers that the run will have.

    Args:
        context: The run.
        engine: The engine, whose own tiers are used where there is no file.
        data: Path or URI of the candles on this machine.

    Returns:
        The tiers to give the engine; None when it uses its own, or trades without leverage.

    Raises:
        NotFoundError: There are no tiers of a pair; all of them are named.
        ValidationError: The file is not one of tiers, or those of a pair cannot be.
    """
    own = exchange_named(context.config.exchange).tiers_file
    if own is None:
        return None
    folder = data_folder(data)
    path = None if folder is None else folder / TIERS_NAME
    if path is not None and path.exists():
        tiers = load_tiers(path, context.config.pairs)
        context.record.data[DIGEST_NAME] = TIERS_NAME
        context.record_digest(DIGEST_NAME, tiers.digest)
        return tiers
    tiers = load_tiers(engine.package / own, context.config.pairs)
    context.record.data[DIGEST_NAME] = f"freqtrade {engine.version}"
    context.record_digest(DIGEST_NAME, tiers.digest)
    context.record.notices.append(
        f"the leverage tiers are those that freqtrade {engine.version} was released with: put "
        f"newer ones beside the candles as {TIERS_NAME}"
    )
    return None


def job_environment(
    context: RunContext, engine: EngineInstall, tiers: LeverageTiers | None, *, temporary: Path
) -> Mapping[str, str]:
    """Return the environment of an engine that is to have `tiers`.

    Args:
        context: The run.
        engine: The engine.
        tiers: Tiers in the place of the engine's own, which are laid out in `temporary`.
        temporary: A folder for temporary files; see `engine_environment`.

    Raises:
        StorageError: The disk refused.
    """
    home = context.folder.scratch.resolve()
    environ = engine_environment(context.environ, home=home, temporary=temporary)
    own = exchange_named(context.config.exchange).tiers_file
    if tiers is None or own is None:
        return environ
    root = temporary / "engine"
    overlay_package(engine.package, own, tiers.to_json(), root=root)
    return {**environ, "PYTHONPATH": str(root)}
