"""Register a version: its files first, then everything else in one request."""

import re
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Final, final

from tradai.core import digest
from tradai.core.exceptions import ValidationError
from tradai.mlflow._client.client import MLflowClient
from tradai.mlflow._client.entities import ExperimentRun, RunMetric, RunStatus, quoted
from tradai.mlflow._client.model_entities import ModelVersion
from tradai.mlflow._http.errors import CorruptArtifactError, ExperimentNotFoundError
from tradai.mlflow._registry.proof import MANIFEST, REPORT, RunProof
from tradai.mlflow._registry.record import ModelRecord
from tradai.mlflow._registry.selector import check_model_name
from tradai.mlflow._registry.version_tags import VersionContent, to_tags
from tradai.mlflow._tracking.server_run import RUN_ID

_IMAGE: Final = re.compile(r"(?:.+@)?(sha256:[0-9a-f]{64})")
_EXPECTED_IMAGE: Final = "an image by its digest, sha256: and 64 digits"


@final
class Registration:
    """Registers runs as versions of models."""

    def __init__(self, client: MLflowClient, *, now: Callable[[], datetime]) -> None:
        """Register with the server of `client`."""
        self._client = client
        self._now = now

    def register(
        self, name: str, proof: RunProof, *, experiment: str, image: str | None, by: str
    ) -> ModelVersion:
        """Register the run as a new version of the model `name`.

        The version comes into being last and whole: when anything fails before, there is none.

        Raises:
            ValidationError: The name or the image is not usable, or the configuration too long.
            StorageError: A file cannot be read.
            CorruptArtifactError: A file was changed meanwhile.
            MLflowError: The server refused, or gave no usable answer.
        """
        check_model_name(name)
        record = self._record(proof, image=image, by=by)
        tags = to_tags(VersionContent(config=proof.config, record=record))
        self._client.registered_model(name)
        run = self._run_of(proof, experiment)
        folder = f"models/{digest(record.canonical())[:16]}"
        for file in record.files:
            self._upload(run, proof.folder / file.path, f"{folder}/{file.path}", file.sha256)
        source = f"{run.artifact_uri}/{folder}"
        return self._client.create_model_version(
            name, source=source, run_id=run.run_id, tags=tags, description=_description(proof)
        )

    def _upload(self, run: ExperimentRun, file: Path, path: str, expected: str) -> None:
        """Send `file`, which must still have the SHA-256 of the record."""
        sent = self._client.upload_artifact(run, file, path)
        if sent != expected:
            message = (
                f"the file {file} was changed while it was registered: it was sent with the "
                f"SHA-256 {sent}, expected {expected}; let its folder rest, and register it again"
            )
            raise CorruptArtifactError(message, operation="upload_artifact")

    def _record(self, proof: RunProof, *, image: str | None, by: str) -> ModelRecord:
        return ModelRecord(
            kind=proof.kind,
            config_digest=digest(proof.config.canonical()),
            digests=proof.digests,
            files=proof.files(),
            metrics=proof.metrics,
            run_id=proof.run_id,
            data_until=proof.data_until,
            image=None if image is None else _image_digest(image),
            registered_at=self._now(),
            registered_by=by,
        )

    def _run_of(self, proof: RunProof, experiment: str) -> ExperimentRun:
        """Return the run on the server: the tracked one, or else one that is made of the folder."""
        return self._tracked_run(proof, experiment) or self._new_run(proof, experiment)

    def _tracked_run(self, proof: RunProof, experiment: str) -> ExperimentRun | None:
        try:
            group = self._client.get_experiment(experiment)
        except ExperimentNotFoundError:
            return None
        condition = f"tags.`{RUN_ID}` = {quoted(proof.run_id)}"
        runs = self._client.search_runs([group.experiment_id], filter=condition, limit=1)
        return next(runs, None)

    def _new_run(self, proof: RunProof, experiment: str) -> ExperimentRun:
        group = self._client.experiment(experiment)
        tags = {RUN_ID: proof.run_id}
        run = self._client.create_run(group.experiment_id, name=proof.run_id, tags=tags)
        at = self._now()
        self._client.log_batch(
            run.run_id,
            metrics=[
                RunMetric(key=key, value=value, at=at) for key, value in proof.metrics.items()
            ],
        )
        for name in (MANIFEST, REPORT):
            if (proof.folder / name).is_file():
                self._client.upload_artifact(run, proof.folder / name, name)
        self._client.end_run(run.run_id, RunStatus.FINISHED)
        return run


def _image_digest(image: str) -> str:
    match = _IMAGE.fullmatch(image)
    if match is None:
        message = f"an image is not usable: expected {_EXPECTED_IMAGE}"
        raise ValidationError(message, field="image", expected=_EXPECTED_IMAGE)
    return match[1]


def _description(proof: RunProof) -> str:
    return (
        f"{proof.config.name} {proof.config.version}, registered by tradai from run {proof.run_id}"
    )
