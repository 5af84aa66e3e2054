"""Seed path of tradai.aws; its import names the extra when that is not installed."""

from tradai.common._slices import OptionalSlice

with OptionalSlice("aws"):
    from tradai.aws import AwsSettings, S3Store, client_for, load_config

__all__ = ["AwsSettings", "S3Store", "client_for", "load_config"]
