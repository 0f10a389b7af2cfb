"""The queue that works tasks off: a pure brain and its journal, backends, the queue that stays, and the runner of commands."""
