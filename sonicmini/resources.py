"""Where the bundled configurations, models and samples are: in a checkout or beside the package."""

from pathlib import Path

from sonicmini.errors import SonicminiError

_PACKAGE = Path(__file__).parent


def bundled(name: str) -> Path:
    """Returns the path of something bundled, such as ``configs`` or ``sample_data/ttbar_10.root``.

    A wheel carries these folders inside the package, in ``share``; in a checkout they stand beside
    the package.

    Raises:
        SonicminiError: it is in neither place.
    """
    places = (_PACKAGE / "share" / name, _PACKAGE.parent / name)
    for place in places:
        if place.exists():
            return place
    raise SonicminiError(
        f"{name} is missing from this installation: looked for {' and '.join(map(str, places))}; "
        "install sonicmini again"
    )
