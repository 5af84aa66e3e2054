"""Public names of tradai.mlflow: settings of the MLflow tracking server."""

from tradai.core import lazy_exports

TYPE_CHECKING = False
if TYPE_CHECKING:
    from tradai.mlflow._settings import MlflowSettings as MlflowSettings

if not TYPE_CHECKING:
    __getattr__, __dir__, __all__ = lazy_exports(
        __name__,
        {
            "_settings": "MlflowSettings",
        },
    )
