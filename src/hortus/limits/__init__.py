"""Limits and budgets: their periods, and the arithmetic by which workers share them; no I/O."""
