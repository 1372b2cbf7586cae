"""Options that several commands have."""

from pathlib import Path
from typing import Annotated

import typer

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
ModelRepositories = Annotated[
    list[Path] | None,
    typer.Option(
        "--model-repository",
        metavar="FOLDER",
        help="Folder of models; repeatable: the first that has a model counts.",
    ),
]
