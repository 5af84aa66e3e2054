"""Door of tradai.aws: what tradai knows about Amazon Web Services.

boto3 is imported when the first client is made, not before.
"""

from tradai.core import lazy_door

TYPE_CHECKING = False
if TYPE_CHECKING:
    from tradai.aws._clients import client_for as client_for
    from tradai.aws._errors import AwsError as AwsError
    from tradai.aws._settings import AwsSettings as AwsSettings

__all__ = ["AwsError", "AwsSettings", "client_for"]

if not TYPE_CHECKING:
    __getattr__, __dir__ = lazy_door(
        __name__,
        {"AwsError": "_errors", "AwsSettings": "_settings", "client_for": "_clients"},
    )
