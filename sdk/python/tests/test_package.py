"""What the package says of itself."""

import re
from importlib.metadata import requires, version


def test_the_tests_run_with_the_oldest_versions_that_the_package_allows() -> None:
    oldest = dict(re.findall(r"^([\w-]+).*>=([\d.]+)", "\n".join(requires("frontrow") or []), re.MULTILINE))
    assert set(oldest) == {"googleapis-common-protos", "grpcio", "protobuf"}
    assert {name: version(name) for name in oldest} == oldest
