"""Redis in trouble under a real proxy: masters that die, stand still, are cut off, full or slow."""
