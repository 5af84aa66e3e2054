"""Alerts of live sessions through Amazon SNS."""
