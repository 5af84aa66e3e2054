"""Strategy folders: a new one, or one made from a configuration of Freqtrade."""
