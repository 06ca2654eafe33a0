"""Where the log lies, and the README's example of reading it in Python."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from companion.config import find_paths
from sessions import Store
from sessions.home import data_dir, default_path
from tests import papers
from tests.test_architecture import ROOT


def test_the_log_lies_where_the_program_has_it(tmp_path: Path) -> None:
    for env in ({}, {"KNEAD_HOME": str(tmp_path)}, {"KNEAD_HOME": "~/there"}):
        assert default_path(env) == find_paths(env).database
    assert default_path({"KNEAD_HOME": str(tmp_path)}) == tmp_path / "data" / "knead.db"
    assert data_dir({}).is_absolute()


def test_a_store_without_a_path_is_the_users_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KNEAD_HOME", str(tmp_path))
    session = papers.usual(tmp_path / "data" / "knead.db")
    with Store() as store:
        assert [row.id for row in store.list()] == [session]


def test_the_readme_example_runs(tmp_path: Path) -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    example = re.search(r"<!-- python -->\n```python\n(.*?)```", readme, re.DOTALL)
    assert example is not None
    session = papers.usual(tmp_path / "data" / "knead.db")
    env = {**os.environ, "KNEAD_HOME": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", example[1]], capture_output=True, text=True, env=env, cwd=ROOT, check=False
    )
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0].startswith(session)
    assert lines[1] == "(2500,) (2500, 4)"
    assert "stop, come off" in lines[3]
    assert lines[4] == "[(10.0, 15.0, 'link')]"
