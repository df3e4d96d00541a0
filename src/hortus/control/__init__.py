"""The admin API: one table of operations, and the configuration file that declares objects."""
