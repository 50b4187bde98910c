"""The rules by which an answer, a limit or a deletion is judged from outside. The searches apply them."""
