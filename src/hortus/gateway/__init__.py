"""The data plane: admit, choose, relay, meter, settle."""
