"""What OpenTimelineIO loads: tiny shims, cheap to import."""
