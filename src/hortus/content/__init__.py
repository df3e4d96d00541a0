"""What is kept of content: seals and the owners of ids that hosts give out."""
