"""An engine asks its database, and the ORM is loaded for those alone who ask for it."""

import subprocess
import sys

from tests.processes import REPOSITORY

SCRIPT = """
import asyncio, sys
import sqlalchemy as sa
from edge.async_engine import AsyncEngine, create_async_engine

async def ask():
    engine = create_async_engine("sqlite+aiosqlite:///:memory:")
    async with engine.begin() as connection:
        await connection.execute(sa.text("CREATE TABLE t (a)"))
        found = await connection.execute(sa.text("SELECT 1"))
        assert found.scalar() == 1
    await engine.dispose()

asyncio.run(ask())
print("sqlalchemy.orm" in sys.modules)
from sqlalchemy.ext.asyncio import AsyncEngine as theirs, AsyncSession
print("sqlalchemy.orm" in sys.modules, theirs is AsyncEngine)
"""


def test_the_engine_works_without_the_orm():
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], cwd=REPOSITORY, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["False", "True", "True"]
