"""Many files as one: what they have in common, what does not fit, and a plan to combine them."""
