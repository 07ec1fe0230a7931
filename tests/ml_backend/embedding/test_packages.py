import json

import pytest
from labelscape.ml_backend.embedding.packages import require
from labelscape.ml_backend.errors import Refusal


def test_an_installed_package_is_imported():
    assert require("json", "models") is json


def test_a_missing_package_is_named_with_the_command_that_installs_it():
    with pytest.raises(Refusal, match=r"“no_such_package”, .*pip install 'labelscape\[models\]'"):
        require("no_such_package.part", "models")


def test_what_needs_the_missing_package_is_named():
    with pytest.raises(Refusal, match=r"^Working with Label Studio needs the package “no_such_package”"):
        require("no_such_package", "label-studio", wanted_by="Working with Label Studio")
