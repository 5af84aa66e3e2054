"""Door of tradai.aws: what tradai knows about Amazon Web Services."""

from tradai.core import lazy_door

TYPE_CHECKING = False
if TYPE_CHECKING:
    from tradai.aws._settings import AwsSettings as AwsSettings

__all__ = ["AwsSettings"]

if not TYPE_CHECKING:
    __getattr__, __dir__ = lazy_door(__name__, {"AwsSettings": "_settings"})
