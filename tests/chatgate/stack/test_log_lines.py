from datetime import UTC

import pytest

from chatgate.stack.log_lines import last, readable


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        (
            '{"client":"docs","n":2,"event":"signed_in","level":"info",'
            '"timestamp":"2026-11-24T12:04:31.5Z","service":"broker"}',
            "12:04:31 signed_in client=docs n=2",
        ),
        ('{"event":"odd","at":null,"deep":{"a":[1]}}', '--:--:-- odd at=null deep={"a":[1]}'),
        ('{"event":"\\u001b[31mred\\n","who":"\\u202eback"}', "--:--:-- \\x1b[31mred\\n who=\\u202eback"),
        ("plain words", "plain words"),
        ("[bold]no markup[/bold]", "[bold]no markup[/bold]"),
        ("\x1b]0;title\x07", "\\x1b]0;title\\x07"),
        ('{"half": ', '{"half": '),
        ("[1, 2]", "[1, 2]"),
    ],
)
def test_a_line_is_shown_with_its_service_and_steers_no_terminal(line, shown):
    assert readable("broker", line, UTC).plain == f" broker | {shown}"


def test_the_last_lines_are_those_of_trouble_first_and_in_their_order():
    lines = [
        '{"event":"odd","level":"warning"}',
        *(f'{{"event":"asked","level":"info","n":{n}}}' for n in range(9)),
        "Traceback",
        '{"event":"stopped","level":"info"}',
    ]
    assert [one.partition(" | ")[2] for one in last("broker", lines, 4)] == [
        "--:--:-- odd",
        "--:--:-- asked n=8",
        "Traceback",
        "--:--:-- stopped",
    ]
