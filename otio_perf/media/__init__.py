"""Media: opening safely, probing, fingerprinting, transcoding, checking. The only home of PyAV (FFmpeg)."""
