"""Timelines: reading, surveying, cutting into spans, relinking, restoring. The only home of opentimelineio."""
