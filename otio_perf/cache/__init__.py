"""What was made and where it lies: the workspace folder and its index."""
