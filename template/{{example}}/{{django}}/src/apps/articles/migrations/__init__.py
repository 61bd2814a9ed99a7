"""The schema of articles, comments and tags."""
