"""Readings of the machine, and stage timings."""
