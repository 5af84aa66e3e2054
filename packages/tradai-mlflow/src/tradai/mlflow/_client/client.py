"""`MLflowClient`: every call of an MLflow server that tradai makes."""

from typing import TYPE_CHECKING, Self, final

from tradai.mlflow._client.batches import BatchCalls
from tradai.mlflow._client.experiments import ExperimentCalls
from tradai.mlflow._client.interop import own_client
from tradai.mlflow._client.models import ModelCalls
from tradai.mlflow._client.versions import VersionCalls

if TYPE_CHECKING:
    import mlflow


@final
class MLflowClient(ExperimentCalls, BatchCalls, ModelCalls, VersionCalls):
    """Client of an MLflow server, 2.18 to 3.x, over its REST interface.

    Nothing is current: every call names its run or model. A client may be used by any number
    of threads, and in forked processes. Each call ends within its deadline, whatever the server
    does; after a failure, calls to the same server are refused for a few seconds without asking.

    >>> client = MLflowClient(uri="http://127.0.0.1:5000")
    >>> client.uri
    'http://127.0.0.1:5000'
    """

    def as_mlflow_client(self) -> "mlflow.MlflowClient":
        """Return MLflow's own client of the same server, for what this one does not do.

        It needs the extra ``skinny``, reads its login from the environment, and has none of the
        promises of this client: it waits for minutes, and creates again what it lost sight of.

        Raises:
            ConfigurationError: ``mlflow-skinny`` is not installed, or the login of this client is
                not that of the environment.
        """
        return own_client(self._settings)

    def close(self) -> None:
        """Close the connections; a later call opens new ones."""
        self._connections.close()

    def __enter__(self) -> Self:
        """Use the client in a block."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the connections."""
        self.close()
