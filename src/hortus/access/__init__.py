"""Organisation, project, key: who may do what."""
