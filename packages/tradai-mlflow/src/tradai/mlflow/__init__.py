"""Public names of tradai.mlflow: the server's settings, and the registry of models."""

from tradai.core import lazy_exports

TYPE_CHECKING = False
if TYPE_CHECKING:
    from tradai.mlflow._registry.errors import (
        ModelIntegrityError as ModelIntegrityError,
        PromotionRefusedError as PromotionRefusedError,
        StaleModelError as StaleModelError,
    )
    from tradai.mlflow._registry.gates import (
        Gate as Gate,
        GateContext as GateContext,
        GateOutcome as GateOutcome,
        GateSubject as GateSubject,
    )
    from tradai.mlflow._registry.policy import PromotionPolicy as PromotionPolicy
    from tradai.mlflow._registry.record import (
        ModelFile as ModelFile,
        ModelKind as ModelKind,
        ModelRecord as ModelRecord,
    )
    from tradai.mlflow._registry.report import PromotionReport as PromotionReport
    from tradai.mlflow._registry.selector import VersionSelector as VersionSelector
    from tradai.mlflow._registry.version_tags import VersionContent as VersionContent
    from tradai.mlflow._settings import MlflowSettings as MlflowSettings

if not TYPE_CHECKING:
    __getattr__, __dir__, __all__ = lazy_exports(
        __name__,
        {
            "_registry.errors": "ModelIntegrityError PromotionRefusedError StaleModelError",
            "_registry.gates": "Gate GateContext GateOutcome GateSubject",
            "_registry.policy": "PromotionPolicy",
            "_registry.record": "ModelFile ModelKind ModelRecord",
            "_registry.report": "PromotionReport",
            "_registry.selector": "VersionSelector",
            "_registry.version_tags": "VersionContent",
            "_settings": "MlflowSettings",
        },
    )
