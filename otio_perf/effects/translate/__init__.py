"""Effects of the hosts, in our words: one table a dialect."""
