import json

import pytest
from labelscape.ml_backend.embedding.packages import require
from labelscape.ml_backend.errors import Refusal


def test_an_installed_package_is_imported():
    assert require("json", "models") is json


def test_a_missing_package_is_named_with_the_command_that_installs_it():
    with pytest.raises(Refusal, match=r"“no_such_package”, .*pip install 'labelscape\[models\]'"):
        require("no_such_package.part", "models")
