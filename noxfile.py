"""The project's checks, run by nox in the current environment; `nox` alone runs them all."""

import tempfile
from pathlib import Path

import nox

nox.needs_version = ">=2025.2"
nox.options.default_venv_backend = "none"


@nox.session
def lint(session: nox.Session) -> None:
    """Style and spelling."""
    session.run("ruff", "check")
    session.run("ruff", "format", "--check")
    session.run("codespell")


@nox.session
def types(session: nox.Session) -> None:
    """Static types."""
    session.run("mypy")


@nox.session
def review(session: nox.Session) -> None:
    """The Scientific Python guide's recommendations."""
    session.run("repo-review", ".")


@nox.session
def tests(session: nox.Session) -> None:
    """The tests; arguments go to pytest."""
    session.run("pytest", *session.posargs)


@nox.session
def wheel(session: nox.Session) -> None:
    """Builds a wheel, installs it elsewhere and runs the main job without the checkout."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        session.run("python", "-m", "build", "--wheel", "--outdir", scratch)
        (built,) = folder.glob("*.whl")
        session.run("python", "-m", "venv", str(folder / "venv"))
        programs = folder / "venv" / "bin"
        session.run(str(programs / "pip"), "install", "--quiet", str(built), external=True)
        with session.chdir(scratch):
            session.run(str(programs / "sonicmini"), "init", "work", external=True)
            config = "work/configs/miniaod.yaml"
            session.run(str(programs / "sonicmini"), "run", config, external=True)
