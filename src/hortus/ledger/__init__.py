"""From the journal into the store, exactly once; grants out of it."""
