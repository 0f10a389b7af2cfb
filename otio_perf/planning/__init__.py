"""Pure functions: what a span costs, what would help, what to do. No I/O."""
