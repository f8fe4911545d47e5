"""The commands, one module per command or group: read options, make one call, render the result."""
