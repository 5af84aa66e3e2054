"""Test kit of job runners: a fake, scripts of jobs, and the conformance suites."""
