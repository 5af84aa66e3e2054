"""Commands about jobs, and the jobs that runs become."""
