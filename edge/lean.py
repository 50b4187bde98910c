"""Imported first by a process that serves, so that it does without what only a developer's console is for.

structlog loads rich, and that pygments, wherever they are installed, for coloured lines that no service
writes: 3.5 MiB of the 110 that a broker may have (measured). It does without where they are not there.
"""

import sys

sys.modules.setdefault("rich", None)  # type: ignore[arg-type]
