"""Secret values, references to them, and masking."""
