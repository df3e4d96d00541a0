"""Makers, models, hosts and prices as rows of data."""
