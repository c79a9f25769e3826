"""`aurex cache`: what is stored, why a look-up missed, and an end to it."""

import json

import pytest
from test_cli import ADD, DONE, REFUSED, SOFTMAX, USAGE, aurex


@pytest.fixture
def cache(tmp_path):
    """Runs `aurex` with a cache of the test's own."""
    folder = tmp_path / "cache"

    def call(*arguments, size="64M"):
        return aurex(*arguments, env={"AUREX_CACHE_DIR": str(folder), "AUREX_CACHE_SIZE": size})

    call.folder = folder / "kernels"
    return call


@pytest.fixture
def softmax(tmp_path):
    path = tmp_path / "softmax.ax"
    path.write_text(SOFTMAX)
    return path


def run(cache, file, shape="4,8", dtype="f32"):
    result = cache("run", file, f"x=random:{dtype}[{shape}]", "--json")
    assert result.returncode == DONE, result.stderr
    return json.loads(result.stdout)


def explain(cache, kernel, *arguments):
    result = cache("cache", "explain", kernel, *arguments, "--json")
    assert result.returncode == DONE, result.stderr
    return json.loads(result.stdout)


def test_a_second_run_finds_the_code_and_gives_the_same(cache, softmax):
    assert explain(cache, "softmax", softmax, "x=random:f32[4,8]")["look_up"] == {
        "hit": False, "nearest": None, "differs": []}
    first = run(cache, softmax)
    assert explain(cache, "softmax", softmax, "x=random:f32[4,8]")["look_up"]["hit"]
    assert run(cache, softmax)["results"] == first["results"]
    assert len(json.loads(cache("cache", "list", "--json").stdout)["entries"]) == 1


def test_list_says_what_is_stored_and_how_large_it_is(cache, softmax):
    run(cache, softmax)
    run(cache, softmax, dtype="f64")
    report = json.loads(cache("cache", "list", "--json").stdout)
    assert report["folder"] == str(cache.folder) and report["enabled"]
    assert [entry["key"]["kernel"] for entry in report["entries"]] == ["softmax", "softmax"]
    assert {entry["key"]["types"] for entry in report["entries"]} == {"x: f32 -> y: chosen", "x: f64 -> y: chosen"}
    assert all(entry["usable"] for entry in report["entries"])
    sizes = [(cache.folder / entry["file"]).stat().st_size for entry in report["entries"]]
    assert sizes == [entry["bytes"] for entry in report["entries"]] and sum(sizes) == report["bytes"]
    text = cache("cache", "list").stdout
    assert text.count("softmax") == 2 and "2 entries" in text and "64 MiB" in text


def test_explain_names_the_part_that_differs_from_the_nearest_entry(cache, softmax):
    run(cache, softmax)
    other_type = explain(cache, "softmax", softmax, "x=random:f64[4,8]")["look_up"]
    assert [each["part"] for each in other_type["differs"]] == ["types"]
    assert "f32" in other_type["differs"][0]["stored"] and "f64" in other_type["differs"][0]["call"]

    softmax.write_text(SOFTMAX.replace("/ sum", "/  sum"))
    other_text = explain(cache, "softmax", softmax, "x=random:f32[4,8]")["look_up"]
    assert [(each["part"], each["stored"]) for each in other_text["differs"]] == [("source", "line 4")]
    shown = cache("cache", "explain", "softmax", softmax, "x=random:f32[4,8]").stdout
    assert "miss" in shown and "source: line 4" in shown


def test_explain_shows_entries_of_another_build_as_foreign(cache, softmax):
    run(cache, softmax)
    assert explain(cache, "softmax")["entries"][0]["foreign"] == []
    assert "types: x: f32" in cache("cache", "explain", "softmax").stdout
    assert "nothing is stored of gelu" in cache("cache", "explain", "gelu").stdout


def test_a_damaged_file_is_listed_as_such_and_made_again(cache, softmax):
    first = run(cache, softmax)
    [file] = cache.folder.glob("*/*.axk")
    file.write_bytes(file.read_bytes()[:-1])
    [entry] = json.loads(cache("cache", "list", "--json").stdout)["entries"]
    assert not entry["usable"] and "another size" in entry["problem"]
    assert run(cache, softmax)["results"] == first["results"]
    [entry] = json.loads(cache("cache", "list", "--json").stdout)["entries"]
    assert entry["usable"]


def test_clear_removes_everything(cache, softmax):
    run(cache, softmax)
    assert "removed 1 files" in cache("cache", "clear").stdout
    assert json.loads(cache("cache", "list", "--json").stdout)["entries"] == []
    assert json.loads(cache("cache", "clear", "--json").stdout) == {"files": 0, "bytes": 0}


def test_a_size_of_zero_switches_it_off(cache, softmax):
    assert cache("run", softmax, "x=random:f32[4,8]", size="0").returncode == DONE
    assert not cache.folder.exists()
    assert "switched off" in cache("cache", "list", size="0").stderr


def test_bad_command_lines_are_usage_errors(cache, tmp_path):
    assert cache("cache").returncode == USAGE
    assert cache("cache", "explain").returncode == USAGE
    add = tmp_path / "add.ax"
    add.write_text(ADD)
    assert cache("cache", "explain", "sub", add, "x=1").returncode == REFUSED
    assert cache("cache", "explain", "add", add).returncode == REFUSED  # without its arguments
