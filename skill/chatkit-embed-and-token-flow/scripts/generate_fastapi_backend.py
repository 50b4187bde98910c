"""Writes a RAG backend in one file; --help tells the options. `chatgate generate backend` does the same.

It needs the folder `scaffold` beside itself, or beside its own folder, and nothing that has to be installed.
"""

import sys
from pathlib import Path

sys.path.extend(str(folder) for folder in Path(__file__).resolve().parents[:2])

from scaffold.backend_command import main

if __name__ == "__main__":
    sys.exit(main())
