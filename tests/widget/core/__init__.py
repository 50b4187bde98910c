"""The core of widget/src/core in a page without a view: sign-in, questions, tabs."""
