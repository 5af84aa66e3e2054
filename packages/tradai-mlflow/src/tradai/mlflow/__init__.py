"""Public names of tradai.mlflow: a client of an MLflow server, its entities, errors, settings."""

from tradai.core import lazy_exports

TYPE_CHECKING = False
if TYPE_CHECKING:
    from tradai.mlflow._client.capabilities import ServerCapabilities as ServerCapabilities
    from tradai.mlflow._client.client import MLflowClient as MLflowClient
    from tradai.mlflow._client.entities import (
        ArtifactInfo as ArtifactInfo,
        Experiment as Experiment,
        ExperimentRun as ExperimentRun,
        RunMetric as RunMetric,
        RunStatus as RunStatus,
    )
    from tradai.mlflow._client.model_entities import (
        ModelStage as ModelStage,
        ModelVersion as ModelVersion,
        RegisteredModel as RegisteredModel,
    )
    from tradai.mlflow._commands.models import models_command as models_command
    from tradai.mlflow._http.deadline import Timer as Timer
    from tradai.mlflow._http.errors import (
        AccessDeniedError as AccessDeniedError,
        AliasNotFoundError as AliasNotFoundError,
        AlreadyExistsError as AlreadyExistsError,
        ArtifactNotFoundError as ArtifactNotFoundError,
        CertificateError as CertificateError,
        CircuitOpenError as CircuitOpenError,
        ConnectionLostError as ConnectionLostError,
        CorruptArtifactError as CorruptArtifactError,
        DeadlineExceededError as DeadlineExceededError,
        ExperimentNotFoundError as ExperimentNotFoundError,
        HostNotFoundError as HostNotFoundError,
        HostRejectedError as HostRejectedError,
        InvalidRequestError as InvalidRequestError,
        LimitExceededError as LimitExceededError,
        LoginRefusedError as LoginRefusedError,
        MLflowError as MLflowError,
        MLflowNotFoundError as MLflowNotFoundError,
        ModelNotFoundError as ModelNotFoundError,
        ModelVersionNotFoundError as ModelVersionNotFoundError,
        NotAnMLflowServerError as NotAnMLflowServerError,
        ParameterConflictError as ParameterConflictError,
        RateLimitedError as RateLimitedError,
        RunNotFoundError as RunNotFoundError,
        ServerFaultError as ServerFaultError,
        ServerNotListeningError as ServerNotListeningError,
        ServerUnavailableError as ServerUnavailableError,
        UnsupportedEndpointError as UnsupportedEndpointError,
    )
    from tradai.mlflow._registry._gates.gates import (
        Gate as Gate,
        GateContext as GateContext,
        GateOutcome as GateOutcome,
        GateSubject as GateSubject,
    )
    from tradai.mlflow._registry._gates.policy import PromotionPolicy as PromotionPolicy
    from tradai.mlflow._registry._gates.report import PromotionReport as PromotionReport
    from tradai.mlflow._registry.approval_store import MLflowApprovalStore as MLflowApprovalStore
    from tradai.mlflow._registry.config_layer import RegistryLayer as RegistryLayer
    from tradai.mlflow._registry.errors import (
        ModelIntegrityError as ModelIntegrityError,
        PromotionRefusedError as PromotionRefusedError,
        StaleModelError as StaleModelError,
    )
    from tradai.mlflow._registry.promotion import AliasMove as AliasMove
    from tradai.mlflow._registry.record import (
        ModelFile as ModelFile,
        ModelKind as ModelKind,
        ModelRecord as ModelRecord,
    )
    from tradai.mlflow._registry.registry import ModelRegistry as ModelRegistry
    from tradai.mlflow._registry.resolution import ResolvedModel as ResolvedModel
    from tradai.mlflow._registry.selector import VersionSelector as VersionSelector
    from tradai.mlflow._registry.settings import ModelSettings as ModelSettings
    from tradai.mlflow._registry.version_tags import VersionContent as VersionContent
    from tradai.mlflow._settings import MLflowSettings as MLflowSettings
    from tradai.mlflow._tracking.active_run import ActiveRun as ActiveRun, start_run as start_run
    from tradai.mlflow._tracking.tracker import MLflowTracker as MLflowTracker

if not TYPE_CHECKING:
    __getattr__, __dir__, __all__ = lazy_exports(
        __name__,
        {
            "_client.capabilities": "ServerCapabilities",
            "_client.client": "MLflowClient",
            "_client.entities": "ArtifactInfo Experiment ExperimentRun RunMetric RunStatus",
            "_client.model_entities": "ModelStage ModelVersion RegisteredModel",
            "_commands.models": "models_command",
            "_http.deadline": "Timer",
            "_http.errors": (
                "AccessDeniedError AliasNotFoundError AlreadyExistsError ArtifactNotFoundError "
                "CertificateError CircuitOpenError ConnectionLostError CorruptArtifactError "
                "DeadlineExceededError ExperimentNotFoundError HostNotFoundError "
                "HostRejectedError InvalidRequestError LimitExceededError LoginRefusedError "
                "MLflowError MLflowNotFoundError ModelNotFoundError ModelVersionNotFoundError "
                "NotAnMLflowServerError ParameterConflictError RateLimitedError RunNotFoundError "
                "ServerFaultError ServerNotListeningError ServerUnavailableError "
                "UnsupportedEndpointError"
            ),
            "_registry.approval_store": "MLflowApprovalStore",
            "_registry.config_layer": "RegistryLayer",
            "_registry.errors": "ModelIntegrityError PromotionRefusedError StaleModelError",
            "_registry._gates.gates": "Gate GateContext GateOutcome GateSubject",
            "_registry._gates.policy": "PromotionPolicy",
            "_registry.promotion": "AliasMove",
            "_registry.record": "ModelFile ModelKind ModelRecord",
            "_registry.registry": "ModelRegistry",
            "_registry._gates.report": "PromotionReport",
            "_registry.resolution": "ResolvedModel",
            "_registry.selector": "VersionSelector",
            "_registry.settings": "ModelSettings",
            "_registry.version_tags": "VersionContent",
            "_settings": "MLflowSettings",
            "_tracking.active_run": "ActiveRun start_run",
            "_tracking.tracker": "MLflowTracker",
        },
    )
