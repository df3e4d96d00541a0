"""What every wire format means: errors, usage, operations."""
