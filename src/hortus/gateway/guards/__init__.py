"""Guards look at what a request says before it leaves: personal data, secrets, blocked words."""
