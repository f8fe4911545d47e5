"""The settings: their schema, and the loader of the TOML file and the environment."""
