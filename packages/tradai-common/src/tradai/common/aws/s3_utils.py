"""Platform import path of S3: paths, the store, and configuration files."""

from tradai.aws import S3Config, S3Layer, S3Object, S3Store, load_config
from tradai.core import S3Path, parse_s3_path

__all__ = ["S3Config", "S3Layer", "S3Object", "S3Path", "S3Store", "load_config", "parse_s3_path"]
