"""Commands on strategy folders."""
