"""Text and enums checked by pydantic: pairs, symbols, versions, modes, S3 paths."""
