"""CloudWatch Logs: the lines of a job, each once and in order, and proof that all arrived."""
