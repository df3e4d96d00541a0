"""The methods of training, one file each: what learns, from what, and at which rate."""
