"""Sign-outs, cuts, retired keys and kinds of tokens over whole stacks: how far each reaches, and how fast."""
