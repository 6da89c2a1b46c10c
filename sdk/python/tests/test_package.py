"""What the package says of itself."""

import re
import subprocess
import sys
from importlib.metadata import requires, version
from pathlib import Path

import pytest
from stage import ADDRESS, Stage


def test_the_tests_run_with_the_oldest_versions_that_the_package_allows() -> None:
    oldest = dict(re.findall(r"^([\w-]+).*>=([\d.]+)", "\n".join(requires("frontrow") or []), re.MULTILINE))
    assert set(oldest) == {"googleapis-common-protos", "grpcio", "protobuf"}
    assert {name: version(name) for name in oldest} == oldest


@pytest.mark.skipif(not ADDRESS, reason="FRONTROW_STAGE is not set: run `npm run test:sdks`")
def test_the_example_for_asyncio_books() -> None:
    readme = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")
    (example,) = (code for code in readme.split("```") if "asyncio.run" in code)
    stage = Stage()
    stage.concert()
    code = example.removeprefix("python").replace("http://localhost:8080", stage.addresses().plain)
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert run.stdout.startswith("booking "), run.stderr
