"""Stored results -> verdicts: what was measured, how far it can be trusted, and what it says of each claim."""
