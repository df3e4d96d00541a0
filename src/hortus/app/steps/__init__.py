"""What the steps of a job are wired of, one module each; loaded by `app.step` in the step's own process."""
