"""`MLflowClient`: every call of an MLflow server that tradai makes."""

from typing import Self, final

from tradai.mlflow._client.batches import BatchCalls
from tradai.mlflow._client.experiments import ExperimentCalls
from tradai.mlflow._client.models import ModelCalls
from tradai.mlflow._client.versions import VersionCalls


@final
class MLflowClient(ExperimentCalls, BatchCalls, ModelCalls, VersionCalls):
    """Client of an MLflow server, 2.18 to 3.x, over its REST interface.

    There is no current run: every call names what it is about. A client may be used by any number
    of threads, and in forked processes. Each call ends within its deadline, whatever the server
    does; after a failure, calls to the same server are refused for a few seconds without asking.

    >>> client = MLflowClient(uri="http://127.0.0.1:5000")
    >>> client.uri
    'http://127.0.0.1:5000'
    """

    def close(self) -> None:
        """Close the connections; a later call opens new ones."""
        self._connections.close()

    def __enter__(self) -> Self:
        """Use the client in a block."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the connections."""
        self.close()
