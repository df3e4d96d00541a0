"""Jobs: training runs as states in the store, what their steps report, and what comes out of them."""
