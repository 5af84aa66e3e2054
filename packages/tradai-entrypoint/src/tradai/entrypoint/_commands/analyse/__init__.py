"""The analyses of `tradai-entrypoint analyse`, one module each."""
