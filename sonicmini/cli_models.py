"""The ``models`` commands: what the networks of a repository are, and whether they are sound."""

from typing import Annotated

import typer

from sonicmini.cli_options import AsJson, ModelRepositories

app = typer.Typer(help="The networks of a model repository: list them, or verify them.")

Names = Annotated[
    list[str] | None,
    typer.Argument(metavar="MODEL", help="NAME or NAME/VERSION; all if none is given."),
]


@app.callback(invoke_without_command=True)
def list_models(
    ctx: typer.Context, *, model_repository: ModelRepositories = None, as_json: AsJson = False
) -> None:
    """List networks: inputs, outputs, size, multiply-adds, sha256, card."""
    from sonicmini.errors import ConfigError
    from sonicmini.models_view import list_and_print

    if ctx.invoked_subcommand is None:
        list_and_print(model_repository or (), as_json=as_json)
    elif model_repository or as_json:
        raise ConfigError(f"models: options belong behind {ctx.invoked_subcommand}")


@app.command()
def verify(
    names: Names = None, *, model_repository: ModelRepositories = None, as_json: AsJson = False
) -> None:
    """Check files, interface, labels, preprocessing and answers of networks.

    Exit code 0 if all are sound, 5 if one is not.
    """
    from sonicmini.models_view import verify_and_print

    verify_and_print(names or (), model_repository or (), as_json=as_json)
