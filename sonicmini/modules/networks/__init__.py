"""Modules whose networks a backend evaluates."""
