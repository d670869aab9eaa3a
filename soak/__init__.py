"""A soak: producers, workers and receivers under faults, and a checker that shares no code with the product."""
