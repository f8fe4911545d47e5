"""Benchmarks of speed, scale and resilience: `make bench`, `make chaos`, `make fuzz`."""
