"""The settings: their schema, reading them from a file and variables, and the checks of `chatgate check`."""
