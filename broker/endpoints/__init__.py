"""The broker's HTTP: Better Auth's API, OAuth, the sign-in page, metadata and health."""
