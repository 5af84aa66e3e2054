"""Gates of a promotion: the rules, their policy, and the report on a candidate."""
