"""Commands about market rules."""
