"""The broker's login page and docs/sign-in-from-a-site.md in a real Chromium. `widget` has the tests of the
widget."""
