"""Recording the public answers of an exchange, and comparing its market rules with them."""
