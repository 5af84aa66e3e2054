"""Commands of `tradai-entrypoint` that need the server."""
