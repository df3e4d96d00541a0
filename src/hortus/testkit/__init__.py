"""Hosts, clocks and faults for tests and plugins."""
