"""The commands of `tradai-entrypoint`, one module each, imported when called."""
