"""The ``server`` commands: a Triton on this machine, installed, started, watched, stopped."""

from typing import Annotated, Literal

import typer

from sonicmini.cli_options import AsJson, ModelRepositories
from sonicmini.console import output

app = typer.Typer(no_args_is_help=True, help="A real Triton server on this machine.")

Name = Annotated[
    str | None,
    typer.Argument(metavar="NAME", help="Of the server; not needed if there is only one."),
]


@app.command()
def install(
    *,
    force: Annotated[bool, typer.Option("--force", help="Install again.")] = False,
) -> None:
    """Install Triton into the user's cache: from the package index, about 330 MB, once."""
    from sonicmini.server_view import install_server

    _print(install_server(force=force, progress=lambda message: typer.echo(message, err=True)))


@app.command()
def start(  # noqa: PLR0913 - one parameter an option
    *,
    model_repository: ModelRepositories = None,
    name: Annotated[str | None, typer.Option(help="Of the server; made up if none.")] = None,
    instances: Annotated[int, typer.Option(help="Of each model; 0: one for each core.")] = 0,
    threads: Annotated[int, typer.Option(help="Of each instance.")] = 1,
    http_port: Annotated[int | None, typer.Option(help="A free one if none is given.")] = None,
    grpc_port: Annotated[int | None, typer.Option(help="A free one if none is given.")] = None,
    metrics_port: Annotated[int | None, typer.Option(help="A free one if none is given.")] = None,
    container: Annotated[
        Literal["apptainer", "docker", "podman"] | None,
        typer.Option(help="Run NVIDIA's image by this program, for GPUs."),
    ] = None,
    image: Annotated[str | None, typer.Option(help="Of the container.")] = None,
    gpu: Annotated[
        bool | None,
        typer.Option("--gpu/--no-gpu", help="In the container; if there is one, by default."),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only print the command that runs the container.")
    ] = False,
) -> None:
    """Start a server on a model repository, by default the bundled one, until ``server stop``."""
    from sonicmini.errors import ConfigError
    from sonicmini.inference.embedded.container import ContainerOptions
    from sonicmini.inference.embedded.options import ServerOptions
    from sonicmini.resources import bundled
    from sonicmini.server_view import container_command, start_server

    repository = model_repository or bundled("models")
    options = ServerOptions(
        name=name,
        instances=instances,
        threads=threads,
        http_port=http_port,
        grpc_port=grpc_port,
        metrics_port=metrics_port,
    )
    if container is None:
        if dry_run or image is not None or gpu is not None:
            raise ConfigError("--dry-run, --image and --gpu belong to --container")
        _print(start_server(repository, options))
        return
    image_given = {} if image is None else {"image": image}
    chosen = ContainerOptions(program=container, gpu=gpu, **image_given)
    if dry_run:
        typer.echo(container_command(repository, options, chosen))
    else:
        _print(start_server(repository, options, container=chosen))


@app.command()
def stop(name: Name = None) -> None:
    """Stop a server."""
    from sonicmini.server_view import stop_server

    _print(stop_server(name))


@app.command()
def status(*, as_json: AsJson = False) -> None:
    """Show the installation and the servers of this user on this machine."""
    from sonicmini.server_view import server_status, server_status_dict

    if as_json:
        import json

        typer.echo(json.dumps(server_status_dict(), indent=2))
    else:
        _print(server_status())


@app.command()
def logs(
    name: Name = None,
    *,
    lines: Annotated[int | None, typer.Option(help="Only the last ones.")] = None,
) -> None:
    """Print what a server has logged."""
    from sonicmini.server_view import server_log

    typer.echo(server_log(name, lines))


def _print(renderable: object) -> None:

    output().print(renderable)
