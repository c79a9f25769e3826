"""The layer checker finds planted mistakes and passes a clean tree."""

import subprocess
import sys
from pathlib import Path

import pytest

CHECKER = Path(__file__).resolve().parent / "check_layers"

MAP = """
| folder | what lives there | may include |
|---|---|---|
| `base/` | errors | – |
| `tensor/` | shapes | base |
| `ax/` | language | tensor |
| `device/` | devices | tensor |

| outside headers | why | only in |
|---|---|---|
| `llvm/` | heavy | ax/emit.cpp |
"""

CLEAN = {
    "docs/map.md": MAP,
    "src/aurex/CMakeLists.txt": "add_subdirectory(base)\n",
    "src/aurex/base/CMakeLists.txt": "aurex_library(NAME base SOURCES error.cpp)\n",
    "src/aurex/base/error.h": "#pragma once\n#include <string>\n",
    "src/aurex/base/environment.cpp": 'const char* x = std::getenv("X");\n',
    "src/aurex/tensor/CMakeLists.txt": "aurex_library(NAME tensor SOURCES shape.cpp DEPS base)\n",
    "src/aurex/tensor/shape.h": '#include "aurex/base/error.h"\n#include "aurex/tensor/other.h"\n',
    "src/aurex/ax/CMakeLists.txt": "aurex_library(NAME ax SOURCES check.cpp DEPS tensor)\n",
    "src/aurex/ax/check.cpp": '#include "aurex/base/error.h"  // through tensor\n#include "aurex/tensor/shape.h"\n',
    "src/aurex/ax/emit.cpp": "#include <llvm/IR/Module.h>\n",
    "src/aurex/device/CMakeLists.txt": "aurex_library(NAME device SOURCES cpu/cpu.cpp DEPS tensor)\n",
    "src/aurex/device/cpu/cpu.cpp": '#include "aurex/tensor/shape.h"\n',
}


def run(tmp_path: Path, changes: dict[str, str]) -> tuple[int, str]:
    for name, text in (CLEAN | changes).items():
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    result = subprocess.run([sys.executable, CHECKER, tmp_path], text=True, capture_output=True)
    assert result.stderr == ""
    return result.returncode, result.stdout


def test_a_clean_tree_passes(tmp_path):
    assert run(tmp_path, {}) == (0, "")


@pytest.mark.parametrize(
    ("file", "text", "finding"),
    [
        (
            "src/aurex/base/error.h",
            '\n#include "aurex/tensor/shape.h"\n',
            "src/aurex/base/error.h:2: base may not include tensor; see docs/map.md",
        ),
        (
            "src/aurex/device/cpu/cpu.cpp",
            '#include "aurex/ax/check.h"\n',
            "src/aurex/device/cpu/cpu.cpp:1: device may not include ax; see docs/map.md",
        ),
        (
            "src/aurex/ax/check_test.cpp",
            '#  include "aurex/device/cpu.h"\n',
            "src/aurex/ax/check_test.cpp:1: ax may not include device; see docs/map.md",
        ),
        (
            "src/aurex/tensor/shape.cpp",
            "#include <llvm/IR/Module.h>\n",
            "src/aurex/tensor/shape.cpp:1: <llvm/IR/Module.h> belongs in ax/emit.cpp only",
        ),
        (
            "src/aurex/tensor/shape.cpp",
            '#include "../ax/check.h"\n',
            'src/aurex/tensor/shape.cpp:1: "../ax/check.h" is not written from the root, like "aurex/base/error.h"',
        ),
        (
            "src/aurex/tensor/shape.cpp",
            'auto home = std::getenv("HOME");\n',
            "src/aurex/tensor/shape.cpp:1: only base/environment.cpp reads the environment",
        ),
        (
            "src/aurex/ax/CMakeLists.txt",
            "aurex_library(NAME ax SOURCES check.cpp)\n",
            "src/aurex/ax/check.cpp:1: base is missing from DEPS in src/aurex/ax/CMakeLists.txt\n"
            "src/aurex/ax/check.cpp:2: tensor is missing from DEPS in src/aurex/ax/CMakeLists.txt",
        ),
        (
            "src/aurex/tensor/CMakeLists.txt",
            "aurex_library(NAME tensor SOURCES shape.cpp DEPS base ax)\n",
            "src/aurex/tensor/CMakeLists.txt:1: DEPS name 'ax', which docs/map.md does not let tensor use",
        ),
        ("src/aurex/extra/x.h", "", "src/aurex/extra:1: this folder has no row in docs/map.md"),
        ("docs/map.md", "# Map\n", "docs/map.md:1: no table with a column 'folder'"),
    ],
)
def test_a_planted_mistake_is_found(tmp_path, file, text, finding):
    assert run(tmp_path, {file: text}) == (1, finding + "\n")


def test_a_map_that_looks_upwards_is_refused(tmp_path):
    upwards = MAP.replace("| errors | – |", "| errors | ax |")
    code, output = run(tmp_path, {"docs/map.md": upwards})
    assert code == 1
    assert output == "docs/map.md:1: 'base' may include ['ax'], which stand below it or nowhere\n"
