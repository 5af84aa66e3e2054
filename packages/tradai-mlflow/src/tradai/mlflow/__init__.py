"""Door of tradai.mlflow: where runs are tracked."""

from tradai.core import lazy_door

TYPE_CHECKING = False
if TYPE_CHECKING:
    from tradai.mlflow._settings import MlflowSettings as MlflowSettings

__all__ = ["MlflowSettings"]

if not TYPE_CHECKING:
    __getattr__, __dir__ = lazy_door(__name__, {"MlflowSettings": "_settings"})
