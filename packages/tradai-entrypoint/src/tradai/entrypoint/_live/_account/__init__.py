"""The account of a session: its vocabulary, its orders and who placed them."""
