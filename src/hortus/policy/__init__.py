"""Who may send what where: pure verdicts, each with its reason."""
