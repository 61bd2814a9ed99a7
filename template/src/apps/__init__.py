"""The service's domains: every package in this folder is discovered, no list names it."""
