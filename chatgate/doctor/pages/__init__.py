"""Looks at all that a browser loads: the page, the widget's options in it, its policy, the callback page."""
