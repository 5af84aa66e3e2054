"""HTTP calls to an MLflow server: deadlines, retries, circuit breaker, typed errors."""
