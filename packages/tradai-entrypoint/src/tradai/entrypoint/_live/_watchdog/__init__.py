"""Inside the process that ends an engine whose supervisor does not hold its lease any more."""
