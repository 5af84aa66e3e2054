"""Objects and configuration on S3."""
