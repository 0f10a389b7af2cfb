"""How one task is done."""
