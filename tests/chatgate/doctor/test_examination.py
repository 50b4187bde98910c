"""A site that is well has no finding, whatever stands before its services."""

import os
import pty
import re
import sys

import pytest

from chatgate.doctor.catalogue import CATALOGUE
from tests.chatgate.command_line import chatgate
from tests.chatgate.doctor.deployment import EMAIL, PASSWORD, PAUSE_S, slow
from tests.chatgate.doctor.fronts import SERVERS
from tests.processes import REPOSITORY

pytestmark = pytest.mark.system


@pytest.mark.parametrize("server", SERVERS)
def test_a_site_that_is_well_has_no_finding(server, deployment, monkeypatch):
    monkeypatch.setenv("CHATGATE_DOCTOR_PASSWORD", PASSWORD)
    deployment.backend.script = slow
    with deployment.behind(server):
        report = deployment.report("--account", EMAIL, "--broker", deployment.broker)
    assert report["findings"] == []
    assert report["skipped"] == {}
    assert {"sign-in", "question", "sign-out"} <= set(report["looks"])
    assert report["widget"]["clientId"] == "docs"
    times = report["answer"]
    assert (times["events"], times["can_tell_buffering"]) == (9, True)
    assert times["last_event_seconds"] - times["first_event_seconds"] > 5 * PAUSE_S


def test_a_guest_asks_and_a_caller_with_neither_does_not(deployment):
    with deployment.behind():
        asked = len(deployment.backend.answerings)
        assert deployment.report("--guest")["answer"]["events"] == 5
        assert len(deployment.backend.answerings) == asked + 1
        report = deployment.report()
        assert len(deployment.backend.answerings) == asked + 1
    assert report["findings"] == []
    assert report["answer"] is None
    assert report["skipped"] == {"sign-in, question": "no --account and no --guest"}


def test_the_text_says_what_was_looked_at(deployment):
    with deployment.behind():
        result = chatgate("doctor", "--site", deployment.home, "--guest")
    assert result.exit_code == 0, result.output
    assert f"asks {deployment.proxy}, signs in at {deployment.broker} as site docs (guest)" in result.stdout
    assert "too fast to tell a held stream" in result.stdout
    assert result.stdout.endswith("All is well.\n")


def test_a_password_is_asked_for_in_the_terminal_and_not_shown(deployment):
    words = ["-m", "chatgate", "doctor", "--site", deployment.home, "--account", EMAIL]
    with deployment.behind():
        shown, code = typed([sys.executable, *words], f"sent to {deployment.broker}: ", PASSWORD)
    assert code == 0, shown
    assert "All is well." in shown
    assert PASSWORD not in shown


def typed(command, prompt, answer):
    """Runs a command with a terminal of its own, in which `answer` is typed when `prompt` is there; what the
    terminal showed, and the exit code."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.execv(command[0], command)
    shown = ""
    try:
        while part := os.read(terminal, 4096):
            shown += part.decode()
            if answer and prompt in shown:
                os.write(terminal, f"{answer}\n".encode())
                answer = ""
    except OSError:
        # Linux has EIO for the end of a terminal whose other side is closed.
        pass
    finally:
        os.close(terminal)
        _, status = os.waitpid(pid, 0)
    return shown, os.waitstatus_to_exitcode(status)


def test_a_widget_without_sign_in_needs_a_proxy_that_takes_it(deployment):
    deployment.publish(auth="none", broker="", client_id="")
    with deployment.behind():
        report = deployment.report("--guest")
    assert [one["code"] for one in report["findings"]] == ["token_needed"]
    assert not any("broker" in look for look in report["looks"])


def test_every_finding_is_documented_with_its_reason():
    page = (REPOSITORY / "docs" / "doctor.md").read_text()
    for code, kind in CATALOGUE.items():
        mark = " (warning)" if kind.severity == "warning" else ""
        row = re.escape(f"| `{code}`{mark} |") + " .+ " + re.escape(f"| {kind.why} |") + r" .+ \|$"
        assert re.search(row, page, re.M), code
    assert set(re.findall(r"^\| `(\w+)`", page, re.M)) == set(CATALOGUE)


def test_every_finding_of_the_catalogue_can_come_and_no_other():
    """`found` refuses a code that the catalogue lacks; a code that no look finds would be an empty
    promise."""
    sources = "".join(path.read_text() for path in (REPOSITORY / "chatgate" / "doctor").rglob("*.py"))
    without = sources.replace((REPOSITORY / "chatgate" / "doctor" / "catalogue.py").read_text(), "")
    assert [code for code in CATALOGUE if f'"{code}"' not in without] == []
