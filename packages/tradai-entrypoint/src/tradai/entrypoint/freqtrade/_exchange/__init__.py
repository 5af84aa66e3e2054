"""Exchanges, a folder each; market rules, accounts, and a loopback server that has the rules."""
