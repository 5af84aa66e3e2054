"""Approvals: signed records of what may trade live, by whom and until when."""
