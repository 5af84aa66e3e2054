"""Request of a run: patches, overrides, the run to repeat; and the configuration loaded by it."""

import contextlib
import platform
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import Final, final

from tradai.core import (
    FileKind,
    LoadedConfig,
    Origin,
    StrategyConfig,
    StrategyConfigLoader,
    file_path,
    read_regular_file,
    redact,
)
from tradai.core.exceptions import ConfigurationError, ValidationError
from tradai.entrypoint._inputs.run_inputs import RunInputs
from tradai.entrypoint._process.settings import EntrypointSettings
from tradai.entrypoint._runs.continuation import Continuation
from tradai.entrypoint._runs.folder import new_run_id
from tradai.entrypoint._runs.record import RunManifest

STRATEGY_COPY: Final = "strategy"
# The value of an option that refers to a secret.
_REFERENCE: Final = re.compile(r"[?&;][A-Za-z_]+=[a-z][a-z0-9+.-]*:[^&;]+")
# JSON files that are taken for a configuration, by texts that each has, and the way out.
_OTHER_FILES: Final = {
    (b'"run_id"', b'"config_uri"', b'"digests"'): (
        "the manifest of a run: repeat that run with --from, or use the best.yaml of a hyperopt"
    ),
    # A manifest has the engine's configuration in it, too.
    (b'"exchange"', b'"pair_whitelist"'): (
        "a configuration of Freqtrade: write a YAML file with name, version, timeframe, pairs and "
        "strategy; settings such as stake_amount have their place under execution"
    ),
}
_REPEATED: Final = ("source", "data", "markets", "leverage_tiers")


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class RunRequest:
    """Patches and overrides of the configuration, or the run to repeat exactly.

    Attributes:
        patches: YAML files laid over the configuration file, in order.
        overrides: ``dotted.key=value`` texts, which override every other layer.
        command: The command line, for the manifest.
        replay_folder: Folder of the run to repeat, whose configuration and source are used.
        replay: Manifest of the run to repeat.
        accepts_holdings: Whether LIVE may start on an account that holds coins of its pairs.
        continues: The earlier dry-run whose trades this one goes on with.
    """

    patches: tuple[str, ...] = ()
    overrides: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    replay_folder: Path | None = None
    replay: RunManifest | None = field(default=None)
    accepts_holdings: bool = False
    continues: Continuation | None = None

    @property
    def replay_of(self) -> str | None:
        """Id of the run to repeat, if any."""
        return self.replay.run_id if self.replay and not self.continues else None

    @property
    def expected_digests(self) -> Mapping[str, str]:
        """Digests of the repeated run that this one must have too."""
        digests = self.replay.digests if self.replay else {}
        return {name: digests[name] for name in _REPEATED if name in digests}

    def data_of(self, settings: EntrypointSettings) -> str | None:
        """Return the path or URI of the candles, from the settings or else the repeated run.

        Raises:
            ConfigurationError: A key is written out in the URI, which the manifest will show.
        """
        data = settings.data or self._repeated("uri")
        if data is not None and _holds_secret(data):
            message = (
                "the URI of the candles holds a key: give a reference to it, such as "
                "secret=env:NAME (--data, TRADAI_RUN_DATA)"
            )
            raise ConfigurationError(message, key="TRADAI_RUN_DATA")
        return data

    def markets_of(self, settings: EntrypointSettings) -> str | None:
        """Return the path or URI of the market rules, given or else of the repeated run."""
        return settings.markets or self._repeated("markets")

    def _repeated(self, fact: str) -> str | None:
        value = self.replay.data.get(fact) if self.replay else None
        return str(value) if value else None


def _holds_secret(uri: str) -> bool:
    written_out = _REFERENCE.sub("", uri)
    return redact(written_out) != written_out


def new_record(settings: EntrypointSettings, request: RunRequest, *, now: datetime) -> RunManifest:
    """Return the record of a run that starts now."""
    run_id = settings.id or new_run_id(settings.mode, now=now)
    return RunManifest(
        state="running",
        run_id=run_id,
        trace_id=settings.trace_id or run_id,
        mode=settings.mode,
        started_at=now,
        command=request.command,
        config_uri=settings.config,
        replay_of=request.replay_of,
        part_of=settings.part_of,
        versions={
            "python": platform.python_version(),
            "tradai-core": version("tradai-core"),
            "tradai-entrypoint": version("tradai-entrypoint"),
        },
    )


def load_config(
    settings: EntrypointSettings, request: RunRequest, *, environ: Mapping[str, str]
) -> LoadedConfig:
    """Return the configuration of a run, merged from its layers.

    Raises:
        ConfigurationError: No configuration was given, or it is not valid.
        NotFoundError: The file does not exist.
    """
    if request.replay is not None:
        return _recorded_config(request.replay)
    if settings.config is None:
        raise ConfigurationError(
            "no configuration was given: name the YAML file as an argument, or set "
            "TRADAI_RUN_CONFIG",
            key="TRADAI_RUN_CONFIG",
        )
    for uri in (settings.config, *request.patches):
        _check_kind(uri)
    loader = StrategyConfigLoader(environ=environ)
    return loader.load_config(settings.config, patches=request.patches, overrides=request.overrides)


def pin_configuration(
    settings: EntrypointSettings, request: RunRequest
) -> tuple[EntrypointSettings, RunRequest]:
    """Return both with the versions that aliases of a registry mean now.

    Jobs that start later, and all runs of a sweep, then have the same configuration.

    Raises:
        TradAIError: A registry cannot be asked.
    """
    patches = tuple(map(StrategyConfigLoader.pinned, request.patches))
    config = settings.config and StrategyConfigLoader.pinned(settings.config)
    return settings.model_copy(update={"config": config}), replace(request, patches=patches)


def _check_kind(uri: str) -> None:
    """Check that a JSON file is not of another program or purpose: most keys would be unknown."""
    if not uri.endswith(".json"):
        return
    # The loader says why a file cannot be read.
    with contextlib.suppress(OSError, ValidationError):
        data = read_regular_file(file_path(uri), FileKind.CONFIGURATION)
        for words, advice in _OTHER_FILES.items():
            if all(word in data for word in words):
                raise ConfigurationError(f"{uri} is {advice}", source=uri)


def strategy_root(loaded: LoadedConfig, request: RunRequest, inputs: RunInputs) -> Path | None:
    """Return the path of the strategy's source; None when the configuration names no strategy.

    Raises:
        NotFoundError: The source is in a store, and is not there.
        ConfigurationError: No installed distribution serves its URI.
        ValidationError: The name of an object cannot be the path of a file.
        ExternalServiceError: The store, or the disk, refused.
    """
    if loaded.config.strategy is None:
        return None
    if request.replay_folder is not None:
        return request.replay_folder / STRATEGY_COPY
    if loaded.source_root is not None:
        return loaded.source_root
    source = loaded.config.strategy.source
    local = inputs.file_of(source) if source.endswith(".py") else inputs.folder_of(source)
    return (loaded.folder or Path.cwd()) / file_path(local)


def _recorded_config(manifest: RunManifest) -> LoadedConfig:
    config = StrategyConfig.model_validate(manifest.config)
    origin = Origin(source=f"run {manifest.run_id}")
    return LoadedConfig(
        config=config,
        run=manifest.run_parameters,
        provenance=dict.fromkeys(manifest.provenance, origin),
        shadowed={},
        warnings=(),
        folder=None,
    )
