"""Setting up: what an admin answers, tried for real as it is answered, and written down."""
