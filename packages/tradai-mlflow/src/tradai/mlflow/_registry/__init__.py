"""The model registry: versions that may trade, resolved, promoted through gates, rolled back."""
