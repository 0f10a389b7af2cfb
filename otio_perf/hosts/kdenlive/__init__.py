"""Kdenlive, 22.12 and newer."""
