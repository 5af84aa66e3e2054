"""S3: the object store, its transfers, and configuration files in S3."""
