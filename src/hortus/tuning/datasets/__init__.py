"""Datasets: files of examples read, checked line by line, counted, split, and kept as Parquet."""
