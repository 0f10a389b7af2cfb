"""Effects: what they mean (parameters and a numpy reference), and how engines do them fast."""
