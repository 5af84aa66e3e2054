"""Platform import path of tradai.aws; without it the error names the extra."""

from tradai.common._optional import OptionalDistribution

with OptionalDistribution("aws"):
    from tradai.aws import AwsSettings, S3Store, client_for, load_config

__all__ = ["AwsSettings", "S3Store", "client_for", "load_config"]
