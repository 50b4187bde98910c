"""The workflow for a site on GitHub Pages: judged by actionlint, and its own steps run over a built site."""

import json
import os
import re
import shutil
import subprocess
from functools import cache

import pytest

from tests.deploy.manifests import DEPLOY, yaml_documents
from tests.node_packages import FOLDER, node
from tests.widget.sites import EXAMPLE, built

pytestmark = pytest.mark.node

WORKFLOW = DEPLOY / "github-pages" / "deploy.yml"
BASE_URL = "/book/"


@cache
def workflow():
    [file] = yaml_documents(WORKFLOW.read_text())
    return file


def steps():
    return {one.get("name", one.get("uses")): one for one in workflow()["jobs"]["build"]["steps"]}


MISTAKES = {
    ("contents: read", "contents: reed"): '"reed" is invalid for permission of scope "contents"',
    ("env.SITE", "evn.SITE"): 'undefined variable "evn"',
    ("needs: build", "needs: built"): 'needs job "built" which does not exist',
}


@pytest.fixture(scope="module")
def remarks(tmp_path_factory):
    """The remarks of actionlint on the workflow, and on copies with one mistake each."""
    folder = tmp_path_factory.mktemp("workflows")
    paths = [WORKFLOW]
    for number, (right, wrong) in enumerate(MISTAKES):
        paths.append(folder / f"{number}.yml")
        assert right in WORKFLOW.read_text()
        paths[-1].write_text(WORKFLOW.read_text().replace(right, wrong))
    done = subprocess.run(
        [node(), FOLDER / "actionlint.mjs", *paths], cwd=FOLDER, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_actionlint_has_no_remark(remarks):
    assert remarks[0] == []


@pytest.mark.parametrize("number", range(len(MISTAKES)))
def test_actionlint_sees_a_mistake(remarks, number):
    told = list(MISTAKES.values())[number]
    assert any(told in remark for remark in remarks[1 + number]), remarks[1 + number]


def test_every_action_is_githubs_own_and_pinned_by_its_commit():
    used = [one["uses"] for job in workflow()["jobs"].values() for one in job["steps"] if "uses" in one]
    assert len(used) == 5
    assert all(re.fullmatch(r"actions/[a-z-]+@[0-9a-f]{40}", one) for one in used)
    lines = re.findall(r"uses: \S+ # v[0-9]+\.[0-9]+\.[0-9]+$", WORKFLOW.read_text(), re.MULTILINE)
    assert len(lines) == len(used)


def test_each_job_may_do_what_it_has_to():
    assert workflow()["permissions"] == {}
    jobs = workflow()["jobs"]
    assert jobs["build"]["permissions"] == {"contents": "read", "pages": "read"}
    assert jobs["deploy"]["permissions"] == {"pages": "write", "id-token": "write"}
    # The code of a pull request is a stranger's, and is never deployed.
    assert jobs["deploy"]["if"] == "github.event_name != 'pull_request'"


@pytest.mark.parametrize(
    ("origin", "base_path", "expected"),
    [
        ("https://owner.github.io", "/book", {"url": "https://owner.github.io", "baseUrl": "/book/"}),
        ("https://owner.github.io", "", {"url": "https://owner.github.io", "baseUrl": "/"}),
        ("https://docs.example.org", "", {"url": "https://docs.example.org", "baseUrl": "/"}),
    ],
    ids=["project page", "user page", "custom domain"],
)
def test_a_site_is_built_for_the_address_that_pages_has_for_it(origin, base_path, expected):
    told = {
        key: value.replace("${{ steps.pages.outputs.origin }}", origin).replace(
            "${{ steps.pages.outputs.base_path }}", base_path
        )
        for key, value in steps()["Build"]["env"].items()
    }
    script = f"""
        const {{default: config}} = await import({json.dumps(str(EXAMPLE / "docusaurus.config.js"))});
        console.log(JSON.stringify({{url: config.url, baseUrl: config.baseUrl}}));
    """
    done = subprocess.run(
        [node(), "--input-type=module", "-e", script],
        env={**os.environ, **told},
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(done.stdout) == expected


class Runner:
    """A checkout of a site after its build, in which a step's own commands are run as a runner does."""

    def __init__(self, folder, temporary):
        self.folder, self.temporary = folder, temporary

    def __call__(self, name, base_url=BASE_URL):
        environ = {**os.environ, "BASE_URL": base_url, "RUNNER_TEMP": str(self.temporary)}
        # As `shell: bash` has it there.
        command = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", steps()[name]["run"]]
        return subprocess.run(
            command, cwd=self.folder, env=environ, capture_output=True, text=True, timeout=280
        )


@pytest.fixture(scope="module")
def checker(tmp_path_factory):
    """The runner's folder for programs, with the link checker in it."""
    folder = tmp_path_factory.mktemp("runner")
    done = Runner(folder, folder)("Install the link checker")
    assert done.returncode == 0, done.stderr
    yield folder
    # It is large.
    shutil.rmtree(folder)


@pytest.fixture
def run(checker, tmp_path):
    shutil.copytree(built("example").folder, tmp_path / "build")
    return Runner(tmp_path, checker)


ADDRESS = "Look whether the build is for that address"
LINKS = "Check the links within the site"


def test_a_site_that_is_as_it_should_be_passes(run):
    for name in (ADDRESS, LINKS):
        done = run(name)
        assert done.returncode == 0, done.stdout + done.stderr
    assert " 0 Errors" in done.stdout


def test_a_build_for_another_address_is_stopped(run):
    done = run(ADDRESS, "/another-book/")
    assert done.returncode == 1
    assert "Set baseUrl to process.env.BASE_URL" in done.stdout


@pytest.mark.parametrize("file", ["404.html", "chatgate-callback.html"])
def test_a_build_without_a_page_that_it_needs_is_stopped(run, file):
    (run.folder / "build" / file).unlink()
    done = run(ADDRESS)
    assert done.returncode == 1
    assert f"build/{file} is missing" in done.stdout


@pytest.mark.parametrize(
    "link", ["/book/no-such-chapter", "/sensors", "/book/sensors#no-such-heading", "no-such-picture.png"]
)
def test_a_link_that_leads_nowhere_is_stopped(run, link):
    page = run.folder / "build" / "power.html"
    page.write_text(page.read_text().replace("</main>", f'<a href="{link}">more</a></main>'))
    done = run(LINKS)
    assert done.returncode != 0
    assert link.partition("#")[0] in done.stdout + done.stderr


def test_a_page_that_is_not_there_is_the_sites_own(run):
    """GitHub serves 404.html for any address below the site, so what it asks for has to be absolute."""
    page = (run.folder / "build" / "404.html").read_text()
    asked = re.findall(r'(?:src|href)="?([^" >]+)', page)
    assert asked
    assert [one for one in asked if not one.startswith((BASE_URL, "http", "data:", "#"))] == []
