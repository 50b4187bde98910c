"""The widget in a real browser, with real services: on plain pages, in React and in Docusaurus. Its unit
tests are in widget/tests."""
