import pytest

from sonicmini.errors import SonicminiError
from sonicmini.resources import bundled


@pytest.mark.parametrize("name", ["configs", "models"])
def test_bundled_folders_are_found(name):
    assert any(bundled(name).iterdir())


def test_what_is_missing_is_named_with_both_places():
    with pytest.raises(SonicminiError, match=r"^configs/none\.yaml is missing.*share.* and "):
        bundled("configs/none.yaml")
