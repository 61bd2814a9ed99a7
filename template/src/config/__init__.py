"""Wiring: settings, server, connections, discovery of the domains."""
