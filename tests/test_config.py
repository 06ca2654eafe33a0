"""Paths and settings: precedence, refusals that say what to do, and a file that is never half written."""

import os
import stat
import sys
from pathlib import Path

import pytest

from companion import config
from companion.config import KEYS, find_paths, load_settings, resolve, write_setting
from companion.errors import ConfigError


def home(tmp_path: Path, text: str = "") -> dict[str, str]:
    """An environment with its own KNEAD_HOME, and a config file if `text` is given."""
    if text:
        file = tmp_path / "config" / "config.toml"
        file.parent.mkdir(parents=True)
        file.write_text(text, "utf-8")
    return {"KNEAD_HOME": str(tmp_path)}


def test_home_moves_all_three(tmp_path: Path) -> None:
    paths = find_paths({"KNEAD_HOME": str(tmp_path)})
    assert paths.config_file == tmp_path / "config" / "config.toml"
    assert paths.data_dir == tmp_path / "data"
    assert paths.state_dir == tmp_path / "state"
    assert paths.database == tmp_path / "data" / "knead.db"
    assert not paths.data_dir.exists()


def test_a_relative_home_is_made_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert find_paths({"KNEAD_HOME": "here"}).data_dir == tmp_path / "here" / "data"


@pytest.mark.skipif(sys.platform != "linux", reason="XDG directories")
def test_without_home_the_users_own_directories(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "c"))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "d"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "s"))
    paths = find_paths({})
    assert paths.config_file == tmp_path / "c" / "knead" / "config.toml"
    assert paths.database == tmp_path / "d" / "knead" / "knead.db"
    assert paths.state_dir == tmp_path / "s" / "knead"


def test_defaults(tmp_path: Path) -> None:
    held = load_settings(home(tmp_path))
    assert (held.person, held.region, held.side, held.tool) == ("me", "unknown", "both", None)
    assert held.fps is None
    assert held.warnings == ()


def test_flag_over_environment_over_file_over_default(tmp_path: Path) -> None:
    env = home(tmp_path, 'person = "file"\nside = "left"\nfps = 5\n') | {"KNEAD_PERSON": "env", "KNEAD_SIDE": "right"}
    held = load_settings(env, {"person": "flag", "side": None})
    assert (held.person, held.side, held.fps, held.theme) == ("flag", "right", 5, "dark")
    origins = resolve(find_paths(env), env, {"person": "flag"}).origins
    assert origins == {
        "person": "flag",
        "side": "KNEAD_SIDE",
        "fps": "config",
        "region": "default",
        "tool": "default",
        "theme": "default",
        "sound": "default",
        "voice": "default",
        "ticks": "default",
        "handsfree": "default",
        "awake": "default",
    }


def test_an_empty_variable_is_not_set(tmp_path: Path) -> None:
    assert load_settings(home(tmp_path, "fps = 7\n") | {"KNEAD_FPS": ""}).fps == 7


@pytest.mark.parametrize("text", ["fps = 400", "fps = 0", "fps = true", 'fps = "many"', "fps = 5.5", "fps = [5]"])
def test_a_wrong_value_names_file_key_and_range(tmp_path: Path, text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_settings(home(tmp_path, text))
    assert str(tmp_path / "config" / "config.toml") in str(caught.value)
    assert "fps" in str(caught.value)
    assert caught.value.hint == "allowed is a whole number from 1 to 30"
    assert caught.value.exit_code == 2


@pytest.mark.parametrize(
    ("env", "flags", "named"),
    [({"KNEAD_SIDE": "up"}, {}, "KNEAD_SIDE"), ({}, {"side": "up"}, "--side"), ({}, {"theme": "pink"}, "--theme")],
)
def test_a_wrong_variable_or_flag_is_named(
    tmp_path: Path, env: dict[str, str], flags: dict[str, str], named: str
) -> None:
    with pytest.raises(ConfigError, match=named) as caught:
        load_settings(home(tmp_path) | env, flags)
    assert caught.value.hint.startswith("allowed is one of ")


@pytest.mark.parametrize("name", ["", "  ", "a" * 65, "a\x1b[31m", "a\nb"])
def test_a_person_is_a_printable_name(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigError, match="--person"):
        load_settings(home(tmp_path), {"person": name})


def test_a_long_wrong_value_is_cut(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load_settings(home(tmp_path), {"side": "x" * 100_000})
    assert len(str(caught.value)) < 200


def test_regions_and_tools_are_those_of_the_limits(tmp_path: Path) -> None:
    assert load_settings(home(tmp_path, 'region = "glute"\ntool = "roller"')).region == "glute"
    with pytest.raises(ConfigError, match="elbow") as caught:
        load_settings(home(tmp_path / "other", 'region = "elbow"'))
    assert "glute" in caught.value.hint


def test_an_unknown_key_is_a_warning_with_a_guess(tmp_path: Path) -> None:
    held = load_settings(home(tmp_path, 'regoin = "glute"\n[quays]\nquit = "x"\n'))
    assert held.region == "unknown"
    assert len(held.warnings) == 2
    assert "'regoin'" in held.warnings[0]
    assert "region" in held.warnings[0].split("'regoin'")[1]


@pytest.mark.parametrize("data", [b"fps = ", b"\xff\xfe", b"a = 1\na = 2\n", b"\x00"])
def test_a_broken_file_is_one_problem(tmp_path: Path, data: bytes) -> None:
    env = home(tmp_path, "x")
    file = find_paths(env).config_file
    file.write_bytes(data)
    with pytest.raises(ConfigError, match=r"config\.toml"):
        load_settings(env)
    found = resolve(find_paths(env), env)
    assert len(found.problems) == 1
    assert found.values == config.DEFAULTS


def test_a_directory_in_its_place_is_a_problem_too(tmp_path: Path) -> None:
    env = home(tmp_path)
    find_paths(env).config_file.mkdir(parents=True)
    with pytest.raises(ConfigError, match="cannot be read"):
        load_settings(env)
    with pytest.raises(ConfigError):
        write_setting(find_paths(env), "fps", "5")


def test_writing_keeps_comments_and_order(tmp_path: Path) -> None:
    env = home(tmp_path, "# mine\nfps = 5 # slow\n\n[keys] # later\nquit = 'x'\n")
    paths = find_paths(env)
    assert write_setting(paths, "fps", "12") == 12
    assert write_setting(paths, "person", " Ann ") == "Ann"
    text = paths.config_file.read_text("utf-8")
    assert "# mine\nfps = 12 # slow\n" in text
    assert text.index("person") < text.index("[keys]")
    held = load_settings(env)
    assert (held.fps, held.person) == (12, "Ann")


@pytest.mark.skipif(os.name != "posix", reason="file modes")
def test_writing_makes_the_file_its_owners_alone(tmp_path: Path) -> None:
    paths = find_paths(home(tmp_path, "fps = 5\n"))
    paths.config_file.chmod(0o644)
    write_setting(paths, "fps", "6")
    assert stat.S_IMODE(paths.config_file.stat().st_mode) == 0o600
    assert list(paths.config_file.parent.iterdir()) == [paths.config_file]


@pytest.mark.skipif(os.name != "posix", reason="links")
def test_writing_follows_a_link(tmp_path: Path) -> None:
    paths = find_paths(home(tmp_path, "fps = 5\n"))
    real = tmp_path / "dotfiles.toml"
    paths.config_file.rename(real)
    paths.config_file.symlink_to(real)
    write_setting(paths, "fps", "6")
    assert paths.config_file.is_symlink()
    assert real.read_text("utf-8") == "fps = 6\n"


def test_a_refused_write_leaves_the_file(tmp_path: Path) -> None:
    paths = find_paths(home(tmp_path, "fps = 5\n"))
    for key, value in (("fps", "31"), ("speed", "1")):
        with pytest.raises(ConfigError):
            write_setting(paths, key, value)
    assert paths.config_file.read_text("utf-8") == "fps = 5\n"


def test_a_failed_write_leaves_the_file_and_nothing_beside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    paths = find_paths(home(tmp_path, "fps = 5\n"))

    def full(_handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(ConfigError, match="No space left"):
        write_setting(paths, "fps", "6")
    assert paths.config_file.read_text("utf-8") == "fps = 5\n"
    assert list(paths.config_file.parent.iterdir()) == [paths.config_file]


def test_a_wrong_value_can_be_mended_by_writing(tmp_path: Path) -> None:
    env = home(tmp_path, "fps = 400\n")
    write_setting(find_paths(env), "fps", "4")
    assert load_settings(env).fps == 4


def test_every_key_has_a_default_and_a_rule() -> None:
    assert set(config.DEFAULTS) == set(KEYS)
    for key in KEYS.values():
        assert key.what
        if config.DEFAULTS[key.name] is not None and key.name != "region":
            assert key.rule.read(config.DEFAULTS[key.name]) == config.DEFAULTS[key.name]
