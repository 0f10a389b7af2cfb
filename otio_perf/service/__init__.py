"""The background service: a queue, timelines that are followed, folders that are watched, and one facade for all who ask."""
