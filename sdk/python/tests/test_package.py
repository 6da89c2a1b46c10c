"""What the package says of itself."""

import re
from contextlib import redirect_stdout
from importlib.metadata import requires, version
from io import StringIO
from pathlib import Path

import pytest
from stage import ADDRESS, Stage


def test_the_tests_run_with_the_oldest_versions_that_the_package_allows() -> None:
    requirements = [re.split(r">=|,", requirement)[:2] for requirement in requires("frontrow") or []]
    assert len(requirements) > 0
    assert {name: version(name) for name, _ in requirements} == dict(requirements)


@pytest.mark.skipif(not ADDRESS, reason="FRONTROW_STAGE is not set: run `npm run test:sdks`")
def test_the_example_for_asyncio_books() -> None:
    readme = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")
    (example,) = (code for code in re.findall(r"^```python\n(.*?)^```$", readme, re.M | re.S) if "asyncio.run" in code)
    stage = Stage()
    stage.concert()
    output = StringIO()
    with redirect_stdout(output):
        exec(example.replace("http://localhost:8080", stage.addresses().plain), {})
    assert re.search(r"^booking \d+: ", output.getvalue(), re.M), output.getvalue()
