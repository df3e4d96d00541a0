"""Programs that serve open weights, and how they are kept running."""
