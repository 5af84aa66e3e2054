"""Jobs on this machine: one supervisor process for each, and a folder that outlives both."""
