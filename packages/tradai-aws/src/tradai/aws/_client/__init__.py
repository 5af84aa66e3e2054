"""boto3 clients: settings, allowed hosts, errors and safe logs."""
