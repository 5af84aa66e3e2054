"""Trading sessions in the test kit: the conformance suite of their stores."""
