"""The queue that works tasks off: a pure state machine, backends, and the runner between them."""
