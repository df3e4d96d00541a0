"""How requests are signed, or opened by tokens that end: one module for each scheme."""
