"""The `aurex` program as a user meets it: what it prints where, and how it exits."""

import json
import os
import signal
import subprocess
import time
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[2]
AUREX = Path(os.environ.get("AUREX_PROGRAM", ROOT / "build" / "release" / "bin" / "aurex"))

DONE, REFUSED, USAGE, DEVICE_MISSING = 0, 1, 2, 3

ADD = "kernel add(x: T[N], y: T[N]) -> (z: T[N]) { parallel i in N { z[i] = x[i] + y[i] } }\n"
SOFTMAX = """kernel softmax(x: T[R..., C]) -> (y: T[R..., C]) {
  parallel r in R {
    let e = exp(x[r, C] - max(x[r, C], C))
    y[r, C] = e / sum(e, C)
  }
}
"""
TWO = ADD + "kernel sub(x: T[N], y: T[N]) -> (z: T[N]) { parallel i in N { z[i] = x[i] - y[i] } }\n"
TAKE = "kernel take(x: T[N], at: int[M]) -> (y: T[M]) { parallel i in M { y[i] = x[at[i]] } }\n"
COUNT = """kernel count_tiles(x: T[R, C]) -> (y: T[R]) {
  parallel r in R {
    var count[r] = 0.0
    for c in C { count = count + 1 + 0 * max(x[r, c], c) }
    y[r] = count
  }
}
"""


def aurex(*arguments, env=None):
    environment = {k: v for k, v in os.environ.items() if not k.startswith("AUREX_")}
    environment |= {"AUREX_CACHE_SIZE": "0"} | (env or {})  # nothing of the user's
    return subprocess.run([AUREX, *map(str, arguments)], text=True, capture_output=True, timeout=120, env=environment)


@pytest.fixture
def program(tmp_path):
    def write(text, name="program.ax"):
        path = tmp_path / name
        path.write_text(text)
        return path

    return write


# Help and usage.


@pytest.mark.parametrize("command", ["devices", "check", "run", "compile", "build", "info", "cache", "cache list",
                                     "cache explain", "cache clear"])
def test_help_of_each_command_has_an_example(command):
    result = aurex(*command.split(), "--help")
    assert result.returncode == DONE
    assert f"aurex {command}" in result.stdout
    assert "Example:" in result.stdout


def test_version_is_printed():
    result = aurex("--version")
    assert result.returncode == DONE
    assert result.stdout.startswith("aurex ")


@pytest.mark.parametrize(
    "arguments",
    [[], ["nonsense"], ["check"], ["run", "--repeat", "0", "x.ax"], ["compile", "x.ax", "--emit", "bytecode"],
     ["devices", "--color", "sometimes"]],
    ids=["nothing", "unknown command", "no file", "bad number", "bad form", "bad colour"],
)
def test_a_command_line_that_cannot_be_understood_exits_with_2(arguments):
    result = aurex(*arguments)
    assert result.returncode == USAGE
    assert result.stdout == ""
    assert result.stderr != ""


# devices


@pytest.mark.parametrize(
    "arguments, said, see",
    [
        ([], ["a command is missing", "devices, check, run, compile, build, info, cache"], "aurex --help"),
        (["frobnicate", "x.ax"], ["'frobnicate' is no command", "devices, check, run, compile, build, info, cache"], "aurex --help"),
        (["run"], ["FILE"], "aurex run --help"),
        (["check", "--tiles", "x.ax"], ["--tiles"], "aurex check --help"),
        (["compile", "x.ax", "--emit", "bytecode"], ["--emit", "bytecode", "asm"], "aurex compile --help"),
        (["run", "x.ax", "--threads", "many"], ["--threads", "many"], "aurex run --help"),
        (["info", "x.npy", "--color", "sometimes"], ["--color", "sometimes", "always"], "aurex info --help"),
    ],
    ids=["nothing", "command", "file", "option", "form", "number", "colour"],
)
def test_a_usage_error_says_what_and_where_to_look(arguments, said, see):
    result = aurex(*arguments)
    assert result.returncode == USAGE
    assert result.stderr.startswith("error: ") and result.stderr.endswith(f"see {see}\n")
    for word in said:
        assert word in result.stderr


def test_ctrl_c_stops_a_run_between_tiles(program):
    text = """kernel mm(a: T[M, K], b: T[K, N]) -> (c: T[M, N]) {
      parallel m in M, n in N { c[m, n] = sum(a[m, K] * b[K, n], K) } }"""
    command = [AUREX, "run", program(text), "a=ones:f32[512,512]", "b=ones:f32[512,512]", "--repeat", "100000000"]
    process = subprocess.Popen(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    status = Path(f"/proc/{process.pid}/status")
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:  # until it catches SIGINT, which is while a kernel runs
        caught = next(line.split()[1] for line in status.read_text().splitlines() if line.startswith("SigCgt"))
        if int(caught, 16) >> (signal.SIGINT - 1) & 1:
            break
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err) == (-signal.SIGINT, "", "interrupted\n")


def test_devices_are_listed_with_ceilings():
    result = aurex("devices")
    assert result.returncode == DONE
    assert result.stdout.startswith("cpu") or "\ncpu" in result.stdout
    assert "GF/s" in result.stdout
    assert "not available" in result.stdout


def test_devices_as_json_name_every_environment_variable():
    report = json.loads(aurex("devices", "--json", env={"AUREX_THREADS": "1"}).stdout)
    assert "cpu" in [device["name"] for device in report["devices"]]
    assert report["ceilings"]["fma_gflops"] > 0
    assert report["threads"]["used"] == 1
    values = {variable["name"]: variable["value"] for variable in report["environment"]}
    assert values["AUREX_THREADS"] == "1"
    assert "AUREX_DEVICE" in values and values["AUREX_DEVICE"] is None


def test_an_environment_variable_with_an_unknown_value_is_refused():
    result = aurex("devices", env={"AUREX_THREADS": "many"})
    assert result.returncode == REFUSED
    assert "AUREX_THREADS" in result.stderr


# check


def test_check_runs_each_kernel_at_several_tile_sizes(program):
    result = aurex("check", program(SOFTMAX))
    assert result.returncode == DONE
    assert "softmax" in result.stdout and "same at tiles 1, 3 and whole" in result.stdout
    assert result.stderr == ""


def test_check_refuses_a_result_that_depends_on_the_tile_size(program):
    result = aurex("check", program(COUNT))
    assert result.returncode == REFUSED
    assert "error[AX0521]" in result.stderr


def test_check_shows_diagnostics_with_their_places(program):
    result = aurex("check", program(ADD.replace("y[i] }", "q }")))
    assert result.returncode == REFUSED
    assert "program.ax:1:" in result.stderr and "AX0" in result.stderr
    assert "\033[" not in result.stderr


def test_check_colours_diagnostics_when_asked(program):
    result = aurex("check", "--color", "always", program(ADD.replace("y[i] }", "q }")))
    assert "\033[" in result.stderr


def test_check_as_json_gives_code_and_place(program):
    result = aurex("check", "--json", program(ADD.replace("y[i] }", "q }")))
    assert result.returncode == REFUSED
    (report,) = json.loads(result.stdout)
    assert report["diagnostics"][0]["code"].startswith("AX")
    assert report["diagnostics"][0]["line"] == 1


def test_check_takes_several_files(program):
    result = aurex("check", "--json", program(ADD, "a.ax"), program(SOFTMAX, "b.ax"))
    reports = json.loads(result.stdout)
    assert [kernel["outcome"] for report in reports for kernel in report["kernels"]] == ["same", "same"]


def test_check_bounds_its_time_on_nested_brackets(program):
    result = aurex("check", program("kernel f(x) = " + "(" * 20_000 + "x" + ")" * 20_000 + "\n"))
    assert result.returncode == REFUSED
    assert "AX0" in result.stderr


@pytest.mark.parametrize("command", ["check", "run", "compile", "info"])
def test_a_folder_is_no_file(command, tmp_path):
    folder = tmp_path / "folder.ax"
    folder.mkdir()
    result = aurex(command, folder, *(["--emit", "ast"] if command == "compile" else []))
    assert result.returncode == REFUSED
    assert result.stderr.startswith("error: IoError: cannot read") and "directory" in result.stderr


def test_a_file_that_is_not_there_is_refused(tmp_path):
    for command in ("check", "run", "compile", "info"):
        result = aurex(command, tmp_path / "missing.ax")
        assert result.returncode == REFUSED, command
        assert "missing.ax" in result.stderr


# run


def test_run_prints_the_result(program):
    result = aurex("run", program(ADD), "x=arange:f32[4]", "y=ones:f32[4]")
    assert result.returncode == DONE, result.stderr
    assert "z f32[4] =" in result.stdout
    assert "[1 2 3 4]" in result.stdout


def test_run_reads_and_writes_npy(program, tmp_path):
    x = np.random.default_rng(0).standard_normal((5, 7)).astype(np.float32)
    np.save(tmp_path / "x.npy", x)
    result = aurex("run", program(SOFTMAX), f"x={tmp_path / 'x.npy'}", "-o", f"y={tmp_path / 'y.npy'}", "--verify")
    assert result.returncode == DONE, result.stderr
    expected = np.exp(x - x.max(-1, keepdims=True))
    expected /= expected.sum(-1, keepdims=True)
    np.testing.assert_allclose(np.load(tmp_path / "y.npy"), expected, rtol=1e-5)
    assert "verify:" in result.stdout and "ok" in result.stdout


def test_run_as_json_has_values_times_and_verdict(program):
    result = aurex("run", "--json", program(ADD), "x=arange:i32[3]", "y=arange:i32[3]", "--verify", "--repeat", "3")
    report = json.loads(result.stdout)
    assert report["results"] == [{"name": "z", "dtype": "i32", "shape": [3], "values": [0, 2, 4]}]
    assert report["verify"] == {"bound": 0.0, "difference": 0.0, "within": True}
    assert {"compile", "first", "best", "median"} == report["milliseconds"].keys()


def test_run_takes_scalars_and_expression_kernels(program):
    result = aurex("run", program("kernel scale(x, factor = 2) = x * factor\n"), "x=arange:f32[3]", "factor=0.5")
    assert result.returncode == DONE, result.stderr
    assert "0.5" in result.stdout


def test_run_draws_the_same_numbers_again(program):
    first, second = (aurex("run", program(ADD), "x=random:f32[9]", "y=random:f32[9]", "--threads", n) for n in (1, 2))
    assert first.returncode == DONE, first.stderr
    assert first.stdout == second.stdout


def test_run_stores_a_trace(program, tmp_path):
    trace = tmp_path / "trace.json"
    result = aurex("run", program(ADD), "x=arange:f32[4]", "y=ones:f32[4]", "--profile", trace)
    assert result.returncode == DONE, result.stderr
    assert json.loads(trace.read_text())


def test_run_in_the_interpreter_finds_nothing_in_a_sound_kernel(program):
    result = aurex("run", "--safe", program(ADD), "x=arange:f32[4]", "y=ones:f32[4]")
    assert result.returncode == DONE, result.stderr
    assert "[1 2 3 4]" in result.stdout


@pytest.mark.parametrize(
    "text, arguments, named",
    [
        (ADD, ["x=ones:f32[3]", "y=ones:f32[4]"], ["ShapeMismatch", "add", "N", "3", "4", "'x'", "'y'"]),
        (ADD, ["x=ones:f32[3]"], ["ArgumentError", "y"]),
        (ADD, ["x=ones:f32[3]", "y=ones:f32[3]", "q=1"], ["ArgumentError", "q"]),
        (ADD, ["x=ones:f32[3]", "x=ones:f32[3]"], ["ArgumentError", "x"]),
        (ADD, ["x=ones:f32[3,3]", "y=ones:f32[3]"], ["DimensionMismatch", "x"]),
        (ADD, ["x=ones:f99[3]", "y=ones:f32[3]"], ["f99", "f32"]),
        (ADD, ["x=ones:f32[3]", "y=ones:f32[3]", "-o", "w=w.npy"], ["ArgumentError", "w", "z"]),
        (ADD, ["x=ones:f32[9000000000000000000,2]", "y=ones:f32[3]"], ["OutOfMemory"]),
        (TAKE, ["x=ones:f32[3]", "at=arange:i32[5]"], ["IndexOutOfRange", "take", "line 1", "3"]),
        (TWO, ["x=ones:f32[3]", "y=ones:f32[3]"], ["--kernel", "add", "sub"]),
        (TWO, ["--kernel", "mul", "x=ones:f32[3]", "y=ones:f32[3]"], ["mul", "add", "sub"]),
    ],
    ids=["extents", "missing", "unknown", "twice", "rank", "dtype", "output", "overflow", "gather", "several", "no such"],
)
def test_run_refuses_wrong_arguments_by_name(program, text, arguments, named):
    result = aurex("run", program(text), *arguments)
    assert result.returncode == REFUSED, result.stderr
    assert result.stdout == ""
    for word in named:
        assert word in result.stderr


@pytest.mark.parametrize("argument", ["x", "x=", "=3", "x=three", "x=ones:f32[3", "x=ones:f32[3,]", "x=sevens:f32[3]"])
def test_run_refuses_what_is_no_value_as_usage(program, argument):
    result = aurex("run", program(ADD), argument, "y=ones:f32[3]")
    assert result.returncode == USAGE, result.stderr


def test_a_device_that_is_not_there_exits_with_3_and_lists_those_that_are(program):
    result = aurex("run", program(ADD), "x=ones:f32[3]", "y=ones:f32[3]", "--device", "cuda:7")
    assert result.returncode == DEVICE_MISSING
    assert "cpu" in result.stderr


def test_a_device_name_without_sense_is_refused(program):
    result = aurex("run", program(ADD), "x=ones:f32[3]", "y=ones:f32[3]", "--device", "toaster")
    assert result.returncode == REFUSED
    assert "toaster" in result.stderr


# compile


@pytest.mark.parametrize("form, word", [("ast", "kernel"), ("tile", "kernel add"), ("loop", "program add on"), ("llvm", "define"), ("asm", "ret")])
def test_compile_emits_each_form(program, form, word):
    result = aurex("compile", program(ADD), "--emit", form, "--shape", "N=1000")
    assert result.returncode == DONE, result.stderr
    assert word in result.stdout


def test_compile_writes_an_object(program, tmp_path):
    result = aurex("compile", program(ADD), "--emit", "obj", "-o", tmp_path / "add.o")
    assert result.returncode == DONE, result.stderr
    assert (tmp_path / "add.o").read_bytes()[:4] == b"\x7fELF"


def test_compile_takes_a_lower_target(program):
    result = aurex("compile", program(ADD), "--emit", "loop", "--target", "cpu.avx2")
    assert "on cpu.avx2" in result.stdout


def test_compile_prints_the_stages_from_text_to_callable(program):
    result = aurex("compile", program(SOFTMAX), "--timing")
    assert result.returncode == DONE, result.stderr
    stages = [line.split()[0] for line in result.stdout.splitlines()[2:]]
    assert stages == ["parse", "check", "specialise", "lower", "emit", "codegen", "link", "total"]


def test_the_environment_lowers_the_target(program):
    result = aurex("compile", program(ADD), "--emit", "loop", env={"AUREX_TARGET": "cpu.avx2"})
    assert "add on cpu.avx2" in result.stdout


def test_compile_timing_as_json_adds_up(program):
    report = json.loads(aurex("compile", program(ADD), "--timing", "--json").stdout)
    total = report["again"].pop("total")
    assert total == pytest.approx(sum(report["again"].values()))


@pytest.mark.parametrize("target", ["ptx.sm_90", "amdgpu.gfx942", "opencl"])
def test_compile_names_a_target_that_it_has_no_code_for(program, target):
    result = aurex("compile", program(ADD), "--emit", "asm", "--target", target)
    assert result.returncode == REFUSED
    assert "NotImplemented" in result.stderr and target in result.stderr


def test_compile_refuses_an_unknown_target_and_dimension(program):
    assert aurex("compile", program(ADD), "--emit", "asm", "--target", "cpu.z80").returncode == REFUSED
    result = aurex("compile", program(ADD), "--emit", "asm", "--shape", "Q=3")
    assert result.returncode == REFUSED
    assert "Q" in result.stderr and "N" in result.stderr
    assert aurex("compile", program(ADD), "--emit", "asm", "--shape", "N=three").returncode == USAGE


# build


def test_build_writes_an_object_and_a_header(program, tmp_path):
    out, header = tmp_path / "add.o", tmp_path / "add.h"
    result = aurex("build", program(ADD), "-o", out, "--header", header, "--prefix", "my_", "--type", "T=f64", "--json")
    assert result.returncode == DONE, result.stderr
    report = json.loads(result.stdout)
    assert report["kernels"] == ["add"] and report["bytes"] == out.stat().st_size
    assert out.read_bytes()[:4] == b"\x7fELF"
    declared = "static inline int my_add(int64_t N, const double *x, const double *y, double *z, aurex_options *options)"
    assert declared in header.read_text()


def test_build_refuses_what_it_cannot_make_and_writes_nothing(program, tmp_path):
    out = tmp_path / "k.o"
    for options, status, said in (
        (("--target", "ptx.sm_90"), REFUSED, "NotImplemented"),
        (("--target", "cpu.z80"), REFUSED, "cpu.avx2"),
        (("--kernel", "sub"), REFUSED, "add"),
        (("--type", "U=f64"), REFUSED, "'U'"),
        (("--type", "T=f63"), REFUSED, "f63"),
        (("--type", "T"), USAGE, "T"),
    ):
        result = aurex("build", program(ADD), "-o", out, *options)
        assert result.returncode == status and said in result.stderr, (options, result.stderr)
        assert list(tmp_path.glob("k.o*")) == []
    result = aurex("build", program(ADD), "-o", tmp_path / "none" / "k.o")
    assert result.returncode == REFUSED and "cannot write" in result.stderr


# info


def test_info_describes_an_npy_file(tmp_path):
    np.save(tmp_path / "x.npy", np.asfortranarray(np.zeros((3, 4), np.float64)))
    result = aurex("info", tmp_path / "x.npy")
    assert result.returncode == DONE
    assert "f64[3, 4], Fortran order, 96 bytes" in result.stdout
    report = json.loads(aurex("info", "--json", tmp_path / "x.npy").stdout)
    assert (report["dtype"], report["shape"], report["order"]) == ("f64", [3, 4], "fortran")


def test_info_lists_the_kernels_of_a_program(program):
    result = aurex("info", program(TWO))
    assert result.returncode == DONE
    assert "program.ax:2:" in result.stdout and "sub" in result.stdout


@pytest.mark.parametrize("data", [b"", b"\x93NUMPY\x01\x00", b"PK\x03\x04" * 10, b"\x93NUMPY\x01\x00\x05\x00{'de"])
def test_info_refuses_a_malformed_npy_file_with_the_byte(tmp_path, data):
    (tmp_path / "x.npy").write_bytes(data)
    result = aurex("info", tmp_path / "x.npy")
    assert result.returncode == REFUSED
    assert "FormatError" in result.stderr and "byte" in result.stderr


def test_info_refuses_a_big_endian_npy_file(tmp_path):
    np.save(tmp_path / "x.npy", np.zeros(3, ">f4"))
    assert "FormatError" in aurex("info", tmp_path / "x.npy").stderr


# Schedules.


def test_compile_prints_a_schedule_that_compile_and_run_take(program, tmp_path):
    source, pinned = program(SOFTMAX), tmp_path / "softmax.schedule"
    printed = aurex("compile", source, "--emit", "schedule")
    assert printed.returncode == DONE
    head, launch = printed.stdout.splitlines()[:2]
    assert head.startswith("schedule 1 softmax on cpu.")
    assert launch == "  launch softmax {"
    pinned.write_text(printed.stdout)
    again = aurex("compile", source, "--schedule", pinned, "--emit", "schedule")
    assert again.stdout == printed.stdout
    pinned.write_text(head + " launch softmax { grain 1; r = 2 } }")
    run = aurex("run", source, "x=random:f32[9,33]", "--schedule", pinned, "--verify")
    assert run.returncode == DONE, run.stderr
    assert "ok" in run.stdout


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("schedule 9 softmax on cpu.avx2 {}", "line 1, column 10: expected version 1, found version 9"),
        ("schedule 1 other on cpu.avx2 {}", "a schedule of that kernel, found one of other"),
        ("schedule 1 softmax on cpu.avx2 { launch softmax { q = 3 } }", "line 1, column 51"),
    ],
    ids=["version", "kernel", "axis"],
)
def test_a_schedule_that_does_not_fit_is_refused_with_its_place(program, tmp_path, text, message):
    pinned = tmp_path / "bad.schedule"
    pinned.write_text(text)
    result = aurex("compile", program(SOFTMAX), "--target", "cpu.avx2", "--schedule", pinned, "--emit", "loop")
    assert result.returncode == REFUSED
    assert message in result.stderr
