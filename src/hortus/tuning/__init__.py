"""Training: from checked examples to a product that can be served and proven."""
