"""Configuration compiled for the gateway."""
