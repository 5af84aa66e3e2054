"""Options of a cache: settings, address, policy, freshness."""
