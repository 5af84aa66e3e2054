"""From a configuration to an engine run that is checked and digested."""
