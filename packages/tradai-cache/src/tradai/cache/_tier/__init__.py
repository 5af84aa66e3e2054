"""The port that shared tiers serve."""
