"""Rendered services as processes: what the contract and the service tests stand on."""
