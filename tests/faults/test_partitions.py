from pathlib import Path

import pytest

from tests.faults.namespace import run_inside


@pytest.mark.alone
def test_a_master_that_is_cut_off_from_the_others_and_not_from_us():
    run_inside(Path(__file__).with_name("partitioned.py"))
