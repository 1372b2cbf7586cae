import re
import subprocess
import sys
from pathlib import Path

import pytest
import typer
from pydantic import BaseModel

from sonicmini import errors
from sonicmini.cli import app
from sonicmini.config import JobConfig

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]


def test_pages_of_the_formats_are_those_of_the_schemas():
    command = [sys.executable, str(ROOT / "docs" / "render_formats.py"), "--check"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stderr == ""
    assert done.returncode == 0


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_links_between_pages_lead_somewhere(page):
    links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8"))
    assert [link for link in links if not (page.parent / link).exists()] == []


def test_every_command_is_in_the_readme():
    commands = typer.main.get_group(app).commands
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert [name for name in commands if f"`sonicmini {name}" not in readme] == []


@pytest.mark.parametrize("name", ["README.md", "docs/modules.md"])
def test_examples_run(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    text = (ROOT / name).read_text(encoding="utf-8")
    scope = {"__name__": "example"}
    for block in re.findall(r"^```python\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
        exec(block, scope)  # noqa: S102 - the documentation's own code


def test_every_key_of_a_workflow_is_documented():
    page = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")
    documented = set(re.findall(r"^\| `([\w.]+)`", page, re.MULTILINE))
    assert documented == set(keys(JobConfig)) - {"modules"} | {"modules.LABEL"}


def keys(block, prefix=""):
    for name, field in block.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from keys(field.annotation, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}"


def test_exit_codes_are_those_of_the_errors():
    listed = dict(
        re.findall(
            r"^\| (\d+) \| `(\w+Error)`",
            (ROOT / "docs" / "errors.md").read_text(encoding="utf-8"),
            re.MULTILINE,
        )
    )
    own = {str(cls.exit_code): cls.__name__ for cls in vars(errors).values() if is_family(cls)}
    assert listed == own


def is_family(cls):
    """Whether this is an error class with an exit code of its own."""
    return isinstance(cls, type) and "exit_code" in vars(cls)
