"""From a timeline to pictures: what a frame is made of, its key, and the picture itself."""
