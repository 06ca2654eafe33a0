"""The walls of the house: who may import whom, and what is imported only when used."""

import ast
import os
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("companion", "firmware_protocol", "sessions")
LEAVES = ("firmware_protocol", "sessions")

# Floors of the trunk, lowest first; a module may import from its own floor and those below it.
FLOORS = (
    ("companion.errors", "companion.plaintext"),
    ("companion.clock", "companion.timeline", "companion.contact", "companion.smoothing", "companion.safety"),
    ("companion.programs", "companion.handsfree"),
    ("companion.notices", "companion.points", "companion.ballside", "companion.measuring", "companion.stages"),
    ("companion.tally", "companion.guiding", "companion.leading", "companion.often", "companion.news"),
    ("companion.opening",),
    ("companion.route",),
    ("companion.pipeline",),
    ("companion.speech", "companion.blocks", "companion.captures"),
    ("companion.ending", "companion.observing"),
    ("companion.engine", "companion.underway"),
    ("companion.replays",),
    (
        "companion.taring",
        "companion.zeros",
        "companion.calibrating",
        "companion.checking",
        "companion.balls",
        "companion.inreach",
        "companion.replaying",
        "companion.past",
        "companion.remembered",
        "companion.keeping",
        "companion.wakeful",
        "companion.pressing",
        "companion.guidance",
        "companion.pairing",
        "companion.whereabouts",
        "companion.ownlimits",
        "companion.hearing",
    ),
    ("companion.run", "companion.contexts", "companion.meeting"),
    ("companion.assembly",),
    ("companion.compose",),
    ("companion.tui", "companion.cli", "companion.__main__"),
)
# Side rooms: what they may use of the trunk, and who may use them.
SIDE_ROOMS = {
    "companion.transports": (("companion.errors", "companion.clock"), ("companion.balls", "companion.inreach")),
    "companion.virtual": (("companion.errors", "companion.clock"), ("companion.balls",)),
    "companion.cues": (("companion.errors", "companion.safety"), ("companion.hearing",)),
    "companion.config": (
        ("companion.errors", "companion.safety", "companion.handsfree"),
        (
            "companion.whereabouts",
            "companion.meeting",
            "companion.zeros",
            "companion.calibrating",
            "companion.replaying",
            "companion.hearing",
            "companion.assembly",
            "companion.compose",
            "companion.cli",
        ),
    ),
}
# The engine is given a transport; it knows only the shape of one.
SHAPES = {
    ("companion.checking", "companion.transports"),
    ("companion.engine", "companion.transports"),
    ("companion.assembly", "companion.transports"),
}
VENDORS = {
    "bleak": ("companion.transports",),
    "bumble": ("companion.virtual",),
    "serial": ("companion.transports.serial",),
    "textual": ("companion.tui",),
    "rich": ("companion.tui",),
    "sqlalchemy": ("sessions",),
    "cobs": ("firmware_protocol.framing",),
    "platformdirs": ("companion.config", "sessions.home"),
    "tomlkit": ("companion.config",),
    "click": ("companion.cli", "companion.__main__"),
    "matplotlib": ("sessions.drawing", "sessions.page"),
    "pyarrow": ("sessions.parquet",),
}
HEAVY = (
    "numpy",
    "textual",
    "rich",
    "serial",
    "sqlalchemy",
    "platformdirs",
    "tomlkit",
    "asyncio",
    "bleak",
    "bumble",
    "matplotlib",
    "pyarrow",
)


@cache
def modules() -> tuple[tuple[str, ast.Module], ...]:
    found = []
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            parts = path.relative_to(ROOT).with_suffix("").parts
            name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
            found.append((name, ast.parse(path.read_text(encoding="utf-8"))))
    return tuple(found)


@cache
def imports(tree: ast.Module, *, running: bool = False) -> tuple[str, ...]:
    """What a module imports; `running`: without what only the type checker reads."""
    found: list[str] = []
    todo: list[ast.AST] = [tree]
    while todo:
        node = todo.pop()
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "relative imports hide who imports whom"
            assert node.module is not None
            # `from package import module` names a module, too
            found += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        typing = isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
        todo += node.orelse if running and typing and isinstance(node, ast.If) else ast.iter_child_nodes(node)
    return tuple(found)


def within(name: str, room: str) -> bool:
    return name == room or name.startswith(room + ".")


def room_of(name: str) -> str | None:
    rooms = [room for floor in FLOORS for room in floor] + list(SIDE_ROOMS)
    return next((room for room in rooms if within(name, room)), None)


def floor_of(room: str) -> int:
    return next(number for number, floor in enumerate(FLOORS) if room in floor)


def allowed(importer: str, imported: str) -> bool:
    if importer == imported or (importer, imported) in SHAPES:
        return True
    if importer in SIDE_ROOMS:
        return imported in SIDE_ROOMS[importer][0]
    if imported in SIDE_ROOMS:
        return importer in SIDE_ROOMS[imported][1]
    return floor_of(imported) <= floor_of(importer)


def test_leaves_know_neither_each_other_nor_the_trunk() -> None:
    wrong = [
        f"{name} imports {target}"
        for name, tree in modules()
        for leaf in LEAVES
        if within(name, leaf)
        for target in imports(tree)
        if any(within(target, other) for other in PACKAGES if other != leaf)
    ]
    assert not wrong


def test_inside_the_trunk_imports_go_down() -> None:
    wrong = []
    for name, tree in modules():
        importer = room_of(name)
        if not within(name, "companion") or name == "companion":
            continue
        assert importer is not None, f"{name} stands on no floor of the trunk"
        for target in imports(tree):
            imported = room_of(target)
            if imported is not None and not allowed(importer, imported):
                wrong.append(f"{name} imports {target}")
    assert not wrong


def test_no_cycles() -> None:
    edges: dict[str, set[str]] = {}
    names = {name for name, _ in modules()}
    for name, tree in modules():
        edges[name] = {target for target in imports(tree, running=True) if target in names and target != name}
    done: set[str] = set()

    def visit(name: str, path: tuple[str, ...]) -> None:
        assert name not in path, "cycle: " + " -> ".join((*path[path.index(name) :], name))
        if name not in done:
            for target in sorted(edges[name]):
                visit(target, (*path, name))
            done.add(name)

    for name in sorted(names):
        # a package's __init__ is run before its modules, so only what it imports itself counts
        visit(name, ())


@pytest.mark.parametrize("vendor", sorted(VENDORS))
def test_each_vendor_is_known_in_one_place(vendor: str) -> None:
    users = {name for name, tree in modules() if any(within(target, vendor) for target in imports(tree))}
    strangers = {name for name in users if not any(within(name, room) for room in VENDORS[vendor])}
    assert users, f"nothing uses {vendor}: drop the dependency"
    assert not strangers


def test_the_wire_reads_no_clock_and_opens_nothing() -> None:
    banned = ("asyncio", "time", "threading", "socket", "os", "subprocess")
    wrong = [
        f"{name} imports {target}"
        for name, tree in modules()
        if within(name, "firmware_protocol")
        for target in imports(tree)
        if any(within(target, module) for module in banned)
    ]
    assert not wrong


@pytest.mark.parametrize("module", ["companion.cli", "sessions.events"])
def test_what_is_heavy_is_imported_when_used(module: str) -> None:
    heavy = set(HEAVY) - ({"numpy"} if module == "sessions.events" else set())
    code = f"import sys; import {module}; print(*sorted(set({sorted(heavy)!r}) & set(sys.modules)))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert found.stdout.split() == []


def test_the_first_screen_is_drawn_before_engine_limits_and_log_are_loaded(tmp_path: Path) -> None:
    """What stands between a start and its first frame; a session and the pages of the log load the rest."""
    late = {"sqlalchemy", "serial", "bleak", "companion.engine", "companion.pipeline", "companion.compose"}
    late |= {"companion.safety.limits", "companion.programs.program", "firmware_protocol", "sessions.store"}
    code = (
        "import sys, companion.tui.app, companion.tui.home; from companion.cli.deck import deck_of;"
        "from companion.config import load_settings; deck_of(load_settings());"
        f"print(*sorted({late!r} & set(sys.modules)))"
    )
    env = os.environ | {"KNEAD_HOME": str(tmp_path)}
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT, env=env)
    assert found.stdout.split() == []


def test_top_level_holds_only_what_the_readme_says() -> None:
    listed = subprocess.run(["git", "ls-files"], capture_output=True, text=True, check=True, cwd=ROOT)
    top = {line.split("/")[0] for line in listed.stdout.splitlines()}
    if not top:
        pytest.skip("not in a git checkout: an unpacked archive has no file list")
    assert {name for name in top if not name.startswith(".")} <= {
        *PACKAGES,
        "tests",
        "pyproject.toml",
        "README.md",
        "LICENSE",
    }


def test_every_area_of_the_benchmarks_gives_figures() -> None:
    paths = sorted((ROOT / "tests" / "benchmarks").glob("*.py"))
    areas = [path for path in paths if path.stem not in ("__init__", "__main__", "figure")]
    assert areas
    for path in areas:
        tops = [node.name for node in ast.parse(path.read_text()).body if isinstance(node, ast.FunctionDef)]
        assert "figures" in tops, path.name
