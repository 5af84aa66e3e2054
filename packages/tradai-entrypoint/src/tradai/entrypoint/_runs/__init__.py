"""One recorded run, from the request to the manifest."""
