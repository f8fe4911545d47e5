"""One small module per family of commands: options in, one call, one rendering out."""
