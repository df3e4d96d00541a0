"""What the fault host is made of: acts, words in three dialects, the steps of an act, and its durable count."""
