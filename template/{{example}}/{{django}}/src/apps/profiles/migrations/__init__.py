"""The schema of profiles."""
