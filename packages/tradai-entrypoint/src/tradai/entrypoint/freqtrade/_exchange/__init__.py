"""Exchanges, one file each; their market rules, and the loopback server that answers with them."""
