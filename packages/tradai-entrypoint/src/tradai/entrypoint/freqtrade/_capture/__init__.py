"""Recording the public answers of an exchange while the engine loads its markets."""
