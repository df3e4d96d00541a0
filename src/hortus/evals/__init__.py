"""Evaluation: suites, graders, runs, and the verdict whether a product is better than its base."""
