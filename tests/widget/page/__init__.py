"""The widget's work on the page around it, in a real browser: selections, highlights, landings at a quote."""
