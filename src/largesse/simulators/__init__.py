"""NumPy twins: an independent second implementation of every model, and the simulators of surveys."""
