"""Jobs on Amazon ECS Fargate: launched once, watched, stopped and reaped."""
