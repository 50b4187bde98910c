-- Keeps an answer and settles nothing. KEYS and ARGV: those of `keep`, and the messages. Returns its value.
return keep(5)
