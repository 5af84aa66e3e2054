"""Platform import path of the MLflow client; without tradai-mlflow the error names the extra."""

from tradai.common._optional import OptionalDistribution

with OptionalDistribution("mlflow"):
    from tradai.mlflow import (
        Experiment,
        ExperimentRun,
        MLflowClient,
        MLflowError,
        MLflowSettings,
        ModelStage,
        ModelVersion,
        RegisteredModel,
        RunMetric,
        RunStatus,
    )

__all__ = [
    "Experiment",
    "ExperimentRun",
    "MLflowClient",
    "MLflowError",
    "MLflowSettings",
    "ModelStage",
    "ModelVersion",
    "RegisteredModel",
    "RunMetric",
    "RunStatus",
]
