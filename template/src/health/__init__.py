"""Probes: is this process alive, may it take traffic, what does it depend on?"""
