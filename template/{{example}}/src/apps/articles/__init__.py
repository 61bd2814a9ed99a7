"""Articles, their comments and their tags: a domain to copy from, or to delete."""
