"""The client of an MLflow server, and the entities that it returns."""
