"""The command line: typer commands that read arguments, call the package and print.

Everything heavy is imported inside the commands, so that ``--help`` answers at once.
"""

import signal
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from types import FrameType
from typing import Annotated, Any, Literal, NoReturn

import typer
from typer.core import TyperGroup

from sonicmini import __version__, cli_models, cli_server
from sonicmini.cli_options import AsJson, ModelRepositories
from sonicmini.console import output
from sonicmini.errors import SonicminiError, first_fault

_INTERRUPTED = 130
_TERMINATED = 143


class _TerminatedError(KeyboardInterrupt):
    """SIGTERM, to be handled like Ctrl-C."""


class _Group(TyperGroup):
    """Turns errors into one message and an exit code."""

    def invoke(self, ctx: Any) -> Any:  # noqa: ANN401 - as the base class has it
        try:
            return super().invoke(ctx)
        except BaseException as raised:
            error = first_fault(raised)
            if isinstance(error, (SystemExit, typer.Exit)) or _is_click(error):
                raise
            if ctx.params.get("debug"):
                traceback.print_exception(raised)
            _fail(error)


def _is_click(error: BaseException) -> bool:
    return hasattr(error, "exit_code") and hasattr(error, "show")


def _fail(error: BaseException) -> NoReturn:
    match error:
        case SonicminiError():
            notes = "".join(f" ({note})" for note in getattr(error, "__notes__", ()))
            message, code = f"error: {error}{notes}", error.exit_code
        case _TerminatedError():
            message, code = "terminated; nothing unfinished was left behind", _TERMINATED
        case KeyboardInterrupt():
            message, code = "interrupted; nothing unfinished was left behind", _INTERRUPTED
        case _:
            cause = f"{type(error).__name__}: {error}"
            message, code = f"error: {cause} (a fault of sonicmini; --debug shows where)", 1
    typer.echo(message, err=True)
    raise typer.Exit(code)


app = typer.Typer(
    cls=_Group,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    help="CMS's Mini-AOD production chain with inference as a service.",
    epilog="Exit codes: 0 done, 1 fault of sonicmini, 2 configuration, 3 input, 4 output, "
    "5 inference, 6 a module failed, 7 outputs differ, 130 interrupted, 143 terminated.",
)
app.add_typer(cli_models.app, name="models")
app.add_typer(cli_server.app, name="server")


def _version(wanted: bool) -> None:  # noqa: FBT001 - typer's callback signature
    if wanted:
        typer.echo(f"sonicmini {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    *,
    debug: Annotated[
        bool, typer.Option("--debug", help="Show the traceback of an error; stands anywhere.")
    ] = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Options of every command; typer hands them to the group."""


Config = Annotated[Path, typer.Argument(metavar="CONFIG", help="Workflow, a YAML file.")]
Inputs = Annotated[
    list[Path] | None,
    typer.Argument(metavar="INPUT", help="AOD-like ROOT files instead of the workflow's."),
]
Assignments = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY.PATH=VALUE", help="Override any key; repeatable."),
]
Servers = Annotated[
    list[str] | None,
    typer.Option(
        "--server",
        metavar="URL",
        help="Server of the KServe v2 protocol: http, https, grpc or grpcs; repeatable. Implies "
        "--inference remote.",
    ),
]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace an existing output.")]


@app.command()
def run(  # noqa: PLR0913 - one parameter an option
    config: Config,
    inputs: Inputs = None,
    *,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Mini-AOD file to write.")
    ] = None,
    events: Annotated[int | None, typer.Option(help="Process so many events at most.")] = None,
    chunk_size: Annotated[int | None, typer.Option(help="Events processed together.")] = None,
    streams: Annotated[int | None, typer.Option(help="Chunks in flight.")] = None,
    threads: Annotated[int | None, typer.Option(help="Threads for CPU work.")] = None,
    inference: Annotated[
        Literal["local", "remote"] | None,
        typer.Option(
            help="Evaluate networks here, or on a server: without --server, on a Triton that is "
            "started for the run."
        ),
    ] = None,
    servers: Servers = None,
    model_repository: ModelRepositories = None,
    fallback: Annotated[
        Literal["none", "local", "embedded"] | None,
        typer.Option(help="Who answers when no server does."),
    ] = None,
    allow_different_models: Annotated[
        bool,
        typer.Option(
            "--allow-different-models",
            help="Accept servers whose models have other weights than the repository's.",
        ),
    ] = False,
    report: Annotated[
        Path | None, typer.Option(metavar="FILE.json", help="Write the timing report as JSON.")
    ] = None,
    assignments: Assignments = None,
    overwrite: Overwrite = False,
) -> None:
    """Turn AOD-like ROOT files into a Mini-AOD file with a timing report."""
    from sonicmini.config import Overrides, load
    from sonicmini.messages import show_messages
    from sonicmini.run import run_and_print

    show_messages()
    overrides = Overrides(
        inputs=inputs or (),
        output=output,
        events=events,
        chunk_size=chunk_size,
        streams=streams,
        threads=threads,
        inference=inference,
        servers=servers or (),
        model_repository=model_repository or (),
        fallback=fallback,
        allow_different_models=allow_different_models,
        overwrite=overwrite,
        assignments=assignments or (),
    )
    run_and_print(load(config, overrides), report)


@app.command()
def compare(  # noqa: PLR0913 - one parameter an option
    first: Annotated[
        str,
        typer.Argument(metavar="A", help="local or remote, or a workflow, or a Mini-AOD file."),
    ],
    second: Annotated[str, typer.Argument(metavar="B", help="The same kind of thing.")],
    config: Annotated[
        Path | None,
        typer.Argument(
            metavar="CONFIG", help="Workflow of local and remote; the bundled one if none."
        ),
    ] = None,
    *,
    events: Annotated[int | None, typer.Option(help="Process so many events at most.")] = None,
    servers: Servers = None,
    model_repository: ModelRepositories = None,
    tolerance: Annotated[
        float | None,
        typer.Option(help="Of what follows from a network; 1e-4 by default. All else is exact."),
    ] = None,
    repetitions: Annotated[
        int, typer.Option(help="Runs of each side, in turns; times are medians.")
    ] = 1,
    assignments: Assignments = None,
    picture: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Draw the times side by side: .png, .pdf or .svg."),
    ] = None,
    keep: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Keep outputs and comparison there.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Run the same events in two ways, or take two outputs: is the physics the same? how fast?

    Exit code 0 if the physics agrees, 7 if it does not.
    """
    from sonicmini.compare.run import DIFFERENT, compare_and_print
    from sonicmini.compare.sides import CompareOptions
    from sonicmini.messages import show_messages

    show_messages()
    options = CompareOptions(
        events=events,
        assignments=assignments or (),
        servers=servers or (),
        model_repository=model_repository or (),
        tolerance=tolerance,
        repetitions=repetitions,
        as_json=as_json,
        picture=picture,
        keep=keep,
    )
    if not compare_and_print(first, second, config, options):
        raise typer.Exit(DIFFERENT)


@app.command()
def check(
    config: Config,
    inputs: Inputs = None,
    *,
    model_repository: ModelRepositories = None,
    assignments: Assignments = None,
) -> None:
    """Validate a workflow, its input and its models without running; print the graph."""
    from sonicmini.config import Overrides, load
    from sonicmini.describe import render_job
    from sonicmini.prepare import prepare

    overrides = Overrides(
        inputs=inputs or (),
        model_repository=model_repository or (),
        assignments=assignments or (),
    )
    _print(render_job(prepare(load(config, overrides))))


@app.command()
def modules(
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="MODULE", help="Types to show; all if none is given."),
    ] = None,
) -> None:
    """List modules with their parameters, inputs and products."""
    from sonicmini.describe import render_modules

    _print(render_modules(names or ()))


@app.command()
def validate(
    file: Annotated[Path, typer.Argument(metavar="OUTPUT", help="Mini-AOD ROOT file.")],
    *,
    reference: Annotated[
        str,
        typer.Option(metavar="NAME|FILE", help="What to compare with: a bundled sample, a file."),
    ] = "ttbar",
    save: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Make a reference of OUTPUT there; compare nothing."),
    ] = None,
    pictures: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Draw the distributions there.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Compare distributions and efficiencies of an output with reference values.

    Exit code 0 if all agree, 7 if one deviates.
    """
    from sonicmini.validation.run import DEVIATES, ValidationOptions, validate_and_print

    options = ValidationOptions(reference=reference, save=save, pictures=pictures, as_json=as_json)
    if not validate_and_print(str(file), options):
        raise typer.Exit(DEVIATES)


@app.command()
def inspect(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="AOD-like or Mini-AOD ROOT file.")],
    *,
    as_json: AsJson = False,
) -> None:
    """Show a file's events, branches, size of each collection and provenance."""
    import json

    from sonicmini.inspect_view import render_summary
    from sonicmini.io.inspect import inspect_file

    summary = inspect_file(file)
    if as_json:
        typer.echo(json.dumps(summary.to_dict(), indent=2))
    else:
        _print(render_summary(summary))


@app.command()
def simulate(  # noqa: PLR0913 - one parameter an option
    process: Annotated[
        str,
        typer.Argument(
            metavar="PROCESS", help="ttbar, qcd, ztautau, zprime_tt, wprime_wz, hbb or minbias."
        ),
    ],
    *,
    output: Annotated[Path, typer.Option("--output", "-o", help="AOD-like ROOT file to write.")],
    events: Annotated[int, typer.Option(help="Number of events.")] = 100,
    pileup: Annotated[float, typer.Option(help="Mean number of pileup collisions.")] = 35.0,
    seed: Annotated[int, typer.Option(help="The same seed gives the same events.")] = 1,
    workers: Annotated[int, typer.Option(help="Processes to use.")] = 1,
    compression_level: Annotated[
        int | None, typer.Option(help="Of ZSTD, 1 to 22; higher is smaller and slower to write.")
    ] = None,
    overwrite: Overwrite = False,
) -> None:
    """Simulate collisions into an AOD-like ROOT file: Pythia 8, pileup, parametric detector."""
    from sonicmini.progress import progress_bar
    from sonicmini.simulation.run import SimulationOptions
    from sonicmini.simulation.run import simulate as simulate_events

    options = SimulationOptions(
        process=process,
        events=events,
        pileup=pileup,
        seed=seed,
        output=output,
        workers=workers,
        compression_level=compression_level,
        overwrite=overwrite,
    )
    simulate_events(options, progress_bar)
    typer.echo(f"{events} {process} events in {output}")


@app.command()
def init(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="New or empty folder.")],
) -> None:
    """Lay out a working folder: workflows, models and a small sample."""
    from sonicmini.initialise import initialise

    for path in initialise(folder):
        typer.echo(path)


def _print(renderable: object) -> None:

    output().print(renderable)


def _terminate(_signal: int, _frame: FrameType | None) -> NoReturn:
    raise _TerminatedError


def main(arguments: Sequence[str] | None = None) -> None:
    """Entry point of the ``sonicmini`` command."""
    signal.signal(signal.SIGTERM, _terminate)
    given = list(sys.argv[1:] if arguments is None else arguments)
    # --debug belongs to the group, but is typed where the need for it arises: at the end.
    debug = ["--debug"] if "--debug" in given else []
    app([*debug, *(argument for argument in given if argument != "--debug")])
