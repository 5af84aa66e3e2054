"""AWS Secrets Manager: secrets read, held in memory, refreshed and written."""
