"""The record of one request and how it is written down."""
