"""Each search finds the fault that it is made for: servers with one fault each, and limits that are
passed."""

import subprocess
import sys
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from attack import answers, bodies, floods, heads, limits, races, stack
from attack.__main__ import main
from attack.searches import Search
from bench.processes import own_environment, serving
from tests.ports import free_ports

pytestmark = pytest.mark.system

ROOT = Path(__file__).parents[2]
SEED = 7
SECONDS = 20
"""For a search that finds nothing; a search that finds something ends there."""


@pytest.fixture(scope="module")
def running():
    with stack.stack() as running:
        yield running


@contextmanager
def faulty(folder, fault, upstream=None):
    [port] = free_ports(1)
    words = [str(port), fault, *([] if upstream is None else [str(upstream.port)])]
    with serving(folder, own_environment(), port, "/healthz", "tests.attack.faulty", *words) as service:
        yield service


@pytest.mark.alone
@pytest.mark.parametrize(
    ("fault", "told"),
    [
        ("fails", "answered 500"),
        ("answers_with_pages", "no problem document"),
        ("invents_a_code", "not documented"),
        ("repeats", "repeats what was sent"),
        ("is_silent", "closed without an answer"),
        ("is_cut", "a part of one"),
        ("stalls", "the bystander waited"),
    ],
)
async def test_bodies_that_a_server_does_not_withstand_are_found(running, tmp_path, fault, told):
    with faulty(tmp_path, fault) as service:
        found = await bodies.run(Search(SEED, SECONDS), replace(running, proxy=service))
    assert told in found.faults[0].what
    assert found.faults[0].made_by.startswith((b"POST ", b"DELETE "))


@pytest.mark.parametrize("fault", ["answers_twice", "lets_in", "is_cut"])
async def test_heads_that_a_server_reads_in_another_way_are_found(running, tmp_path, fault):
    with faulty(tmp_path, fault) as service:
        found = await heads.run(Search(SEED, SECONDS), replace(running, proxy=service))
    assert found.faults[0].what.startswith("chat_proxy: ")
    assert found.faults[0].made_by


@pytest.mark.parametrize(
    ("fault", "told"), [("lets_in", "the text of another answer"), ("answers_with_pages", "answered 401")]
)
async def test_answers_that_a_proxy_passes_on_wrongly_are_found(running, tmp_path, fault, told):
    with faulty(tmp_path, fault) as service:
        found = await answers.run(Search(SEED, SECONDS), replace(running, proxy=service))
    assert told in found.faults[0].what


@pytest.mark.alone
@pytest.mark.parametrize(
    ("fault", "figure"), [("is_overrun", "newcomers p99"), ("hoards", "memory of chat_proxy")]
)
async def test_a_server_that_a_flood_takes_from_others_is_found(running, tmp_path, fault, figure):
    with faulty(tmp_path, fault) as service:
        found = await floods.run(Search(SEED, 7), replace(running, proxy=service), calm_s=0.5, turns=1)
    assert figure in [one.name for one in found.figures if not one.is_met]
    assert found.faults


async def test_an_end_that_ends_nothing_is_found(running, tmp_path):
    with faulty(tmp_path, "ends_nothing", running.broker) as service:
        found = await races.run(Search(SEED, SECONDS), replace(running, broker=service))
    assert "after its end" in found.faults[0].what
    assert b"requests around the end" in found.faults[0].made_by


async def test_a_deletion_that_deletes_nothing_is_found(running, tmp_path):
    with faulty(tmp_path, "deletes_nothing", running.proxy) as service:
        found = await races.run(Search(SEED, SECONDS), replace(running, proxy=service))
    assert "outlived the deletion" in found.faults[0].what


@pytest.mark.parametrize(
    ("stricter", "figure"),
    [
        ({"burst": 2}, "questions at slow beyond burst and rate"),
        ({"per_minute": 20}, "questions at slow beyond burst and rate"),
        ({"concurrent": 1}, "answers of a reader at slow at once"),
    ],
)
async def test_limits_that_are_passed_are_found(running, stricter, figure):
    held_to = (replace(stack.SLOW, **stricter), stack.FAST)
    found = await limits.run(Search(SEED, 3), running, held_to)
    assert [one.name for one in found.figures if not one.is_met] == [figure]
    assert found.faults


def test_a_fault_is_told_and_kept_and_is_the_exit_code(running, capsys):
    stricter = partial(limits.run, limits=(replace(stack.SLOW, concurrent=1), stack.FAST))
    words = ["--seconds", "3", "--seed", "11", "limits"]
    assert main(words, lambda: nullcontext(running), {"limits": stricter}) == 1
    said = capsys.readouterr().out
    assert "FAULT" in said
    assert "python -m attack --seed 11 --from 0 limits" in said
    [file] = [line.strip().removeprefix("in ") for line in said.splitlines() if line.startswith("    in ")]
    assert b"asked, heard and held" in Path(file).read_bytes()


@pytest.mark.alone
def test_a_run_that_finds_nothing_says_so():
    words = [sys.executable, "-m", "attack", "--seconds", "4", "--seed", "5", "bodies", "heads", "answers"]
    run = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    lines = run.stdout.splitlines()
    assert [line.split()[0] for line in lines[:-1]] == ["bodies", "heads", "answers"]
    assert all(" ok " in line for line in lines[:-1])
    assert lines[-1].startswith("seed 5, ")
