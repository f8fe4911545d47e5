"""The Discord webhook over HTTP: addresses, responses, rate limits."""
