"""What the package says of itself."""

import inspect
import pickle
import re
from importlib.metadata import requires, version

import pytest

import frontrow

OWN = [
    value
    for value in (getattr(frontrow, name) for name in frontrow.__all__)
    if inspect.isclass(value) or inspect.isfunction(value)
    # Those of the schema belong to a package that is public as well.
    if not value.__module__.startswith("frontrow.v1.")
]


def test_the_tests_run_with_the_oldest_versions_that_the_package_allows() -> None:
    oldest = dict(re.findall(r"^([\w-]+).*>=([\d.]+)", "\n".join(requires("frontrow") or []), re.MULTILINE))
    assert set(oldest) == {"googleapis-common-protos", "grpcio", "protobuf"}
    assert {name: version(name) for name in oldest} == oldest


def test_public_names_are_those_of_the_package() -> None:
    assert {frontrow.Client, frontrow.InsufficientTickets, frontrow.new_request_id} <= set(OWN)
    assert [value for value in OWN if value.__module__ != "frontrow"] == []
    assert pickle.loads(pickle.dumps(OWN)) == OWN


@pytest.mark.parametrize("client_class", [frontrow.Client, frontrow.AsyncClient])
def test_the_help_of_a_client_says_what_arguments_of_many_methods_mean(client_class: type) -> None:
    text = inspect.getdoc(client_class) or ""
    for argument in ("user_id", "request_id", "timeout"):
        assert f"`{argument}` is" in text or f"`{argument}` may" in text
