"""Fresh clients for the next test."""

from tradai.aws._client.client import drop_clients
from tradai.aws._secrets.secrets_manager import drop_shared_managers


def reset_clients() -> None:
    """Drop the process's shared boto3 clients, sessions and secrets managers.

    The next use reads the environment anew: call it before and after a test that sets ``AWS_*`` or
    ``TRADAI_AWS_*`` variables, or that starts a fake of AWS. Clients that are held already go on.
    """
    drop_clients()
    drop_shared_managers()
