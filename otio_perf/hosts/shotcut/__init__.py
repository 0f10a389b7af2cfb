"""Shotcut: it has no scripts and no bus; proxies are adopted by their names."""
