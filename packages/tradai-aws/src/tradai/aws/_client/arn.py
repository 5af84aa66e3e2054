"""Amazon resource names, of every partition."""

import re
from dataclasses import dataclass
from typing import Final, Self, final

from tradai.core.exceptions import ConfigurationError, ValidationError

# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html
_ARN: Final = re.compile(
    r"arn:(?P<partition>aws(?:-[a-z]+)*):(?P<service>[a-z0-9-]+):(?P<region>[a-z0-9-]*)"
    r":(?P<account>[0-9]{12}|aws|):(?P<resource>[^\s\x00-\x1f]+)"
)


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Arn:
    """Full name of an AWS resource. Region and account are empty where AWS leaves them out.

    >>> arn = Arn.parse("arn:aws-cn:sns:cn-north-1:123456789012:alarms")
    >>> arn.partition, arn.resource
    ('aws-cn', 'alarms')
    """

    partition: str
    service: str
    region: str
    account: str
    resource: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``arn:partition:service:region:account:resource``.

        Raises:
            ValidationError: `text` is not an ARN. It is not quoted.
        """
        match = _ARN.fullmatch(text)
        if match is None:
            expected = "arn:partition:service:region:account:resource"
            message = f"an ARN is not usable: expected {expected}"
            raise ValidationError(message, field="arn", expected=expected)
        return cls(**match.groupdict())

    def require_reachable(self, *, partition: str, region: str) -> None:
        """Check that a client of `partition` and `region` can reach the resource.

        Partitions share nothing, not even credentials; a client knows both as
        ``client.meta.partition`` and ``client.meta.region_name``.

        Raises:
            ConfigurationError: It is in another partition or region.
        """
        if self.partition != partition:
            message = (
                f"{self} is in partition {self.partition}, and {region} is in {partition}; "
                "set AWS_REGION and credentials for that partition, or name a resource in this one"
            )
            raise ConfigurationError(message, key="AWS_REGION")
        if self.region not in {"", region}:
            message = f"{self} is in {self.region}, not in {region}; set AWS_REGION to it"
            raise ConfigurationError(message, key="AWS_REGION")

    def __str__(self) -> str:
        """Return the ARN as text."""
        owner = f"{self.partition}:{self.service}:{self.region}:{self.account}"
        return f"arn:{owner}:{self.resource}"
