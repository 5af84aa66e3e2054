"""Container images: the Docker daemon, builds, and pushes to Amazon ECR."""
