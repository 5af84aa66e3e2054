"""The same server through MLflow's own client, for what ours does not do."""

import os
from typing import TYPE_CHECKING, Final

from tradai.core.exceptions import ConfigurationError
from tradai.mlflow._settings import MLflowSettings

if TYPE_CHECKING:
    import mlflow

_VARIABLES: Final = {
    "username": "MLFLOW_TRACKING_USERNAME",
    "password": "MLFLOW_TRACKING_PASSWORD",
    "token": "MLFLOW_TRACKING_TOKEN",
    "server_cert_path": "MLFLOW_TRACKING_SERVER_CERT_PATH",
    "client_cert_path": "MLFLOW_TRACKING_CLIENT_CERT_PATH",
}


def own_client(settings: MLflowSettings) -> "mlflow.MlflowClient":
    """Return MLflow's own client of the same server.

    Raises:
        ConfigurationError: ``mlflow-skinny`` is not installed, or the login is not where MLflow's
            client reads it: in the environment.
    """
    for field, variable in _VARIABLES.items():
        value = getattr(settings, field)
        secret = getattr(value, "get_secret_value", None)
        text = secret() if secret else value and str(value)
        if (os.environ.get(variable) or None) != text:
            message = (
                f"MLflow's own client reads {variable} from the environment, where another value "
                "is: set it there, and make both clients from it"
            )
            # A traceback may show the variables of a frame.
            del value, secret, text
            raise ConfigurationError(message, key=variable)
    try:
        import mlflow
    except ImportError as exc:
        message = (
            "MLflow's own client is not installed; install tradai-mlflow[skinny], or use "
            "MLflowClient for what it does"
        )
        raise ConfigurationError(message) from exc
    return mlflow.MlflowClient(tracking_uri=settings.uri, registry_uri=settings.uri)
