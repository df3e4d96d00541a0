"""Settings, wiring and process roles."""
