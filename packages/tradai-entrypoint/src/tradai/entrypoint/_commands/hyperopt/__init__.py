"""Commands about the epochs of a hyperopt."""
