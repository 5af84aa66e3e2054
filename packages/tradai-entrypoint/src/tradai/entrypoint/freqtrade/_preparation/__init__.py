"""From a configuration to an engine run, digested."""
