"""How questions are put to a RAG backend, and what its answers are read into; one file a dialect."""
