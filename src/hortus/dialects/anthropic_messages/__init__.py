"""Anthropic's Messages API: messages, token counting and models.

https://docs.claude.com/en/api/overview, read 2026-11.
"""
