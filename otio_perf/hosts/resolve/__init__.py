"""DaVinci Resolve: menu scripts that run ``otio-perf``. Its signatures were checked, it was never run here."""
