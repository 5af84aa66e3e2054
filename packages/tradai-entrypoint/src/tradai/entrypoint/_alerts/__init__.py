"""Alerts to people: throttled, sent by threads, to a log or a web address."""
