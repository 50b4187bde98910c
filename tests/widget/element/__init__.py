"""The element of widget/src/element: its panel, its states, and the text that it shows."""
