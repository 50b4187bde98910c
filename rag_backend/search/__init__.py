"""The index of passages, finding them for a question, and quoting them. `language` knows words alone."""
