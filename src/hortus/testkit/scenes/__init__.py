"""What a replay host plays: scenes that mean the same in every dialect, and how each dialect puts them."""
