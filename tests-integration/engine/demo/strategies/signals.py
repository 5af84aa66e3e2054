"""A helper module beside the strategy."""

from pandas import Series


def crossed_above(fast: Series, slow: Series) -> Series:
    """Return where `fast` is above `slow` and was not before."""
    return (fast > slow) & (fast.shift() <= slow.shift())
