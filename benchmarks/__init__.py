"""What is claimed of speed, scale and resilience, measured: `make bench`, `make chaos`, `make fuzz`."""
