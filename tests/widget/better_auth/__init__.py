"""The widget at sites with a Better Auth server of their own."""
