"""One boto3 client per service, and the servers it may talk to."""
