"""Commands about data folders."""
