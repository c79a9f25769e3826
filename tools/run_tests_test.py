"""The test runner counts what the reports say."""

import importlib.machinery
import importlib.util
import sys
from pathlib import Path

LOADER = importlib.machinery.SourceFileLoader("run_tests", str(Path(__file__).resolve().parent / "run_tests"))
SPEC = importlib.util.spec_from_loader("run_tests", LOADER)
run_tests = importlib.util.module_from_spec(SPEC)
sys.modules["run_tests"] = run_tests
sys.dont_write_bytecode = True
LOADER.exec_module(run_tests)


def write(path: Path, cases: str) -> Path:
    path.write_text(f"<testsuites><testsuite>{cases}</testsuite></testsuites>")
    return path


def test_counts_a_report_of_ctest(tmp_path):
    report = write(
        tmp_path / "ctest.xml",
        '<testcase name="base.A" classname="base.A" status="run"/>'
        '<testcase name="base.B" classname="base.B" status="fail"><failure message=""/></testcase>'
        '<testcase name="base.C" classname="base.C" status="notrun">'
        '<skipped message="SKIP_REGULAR_EXPRESSION_MATCHED"/></testcase>'
        '<testcase name="base.D" classname="base.D" status="disabled"/>'
        '<testcase name="x_NOT_BUILT" classname="x_NOT_BUILT" status="notrun">'
        '<skipped message="Unable to find executable"/></testcase>',
    )
    tally = run_tests.read_junit(report)
    assert str(tally) == "1 passed, 2 failed, 2 skipped"
    assert tally.failures == ["base.B", "x_NOT_BUILT"]


def test_counts_a_report_of_pytest(tmp_path):
    report = write(
        tmp_path / "pytest.xml",
        '<testcase classname="tests.a" name="x"/><testcase classname="tests.a" name="y"><error/></testcase>'
        '<testcase classname="tests.a" name="z"><skipped/></testcase>',
    )
    tally = run_tests.read_junit(report)
    assert str(tally) == "1 passed, 1 failed, 1 skipped"
    assert tally.failures == ["tests.a.y"]


def test_a_suite_that_breaks_without_a_report_fails(tmp_path, capsys):
    tally = run_tests.run_suite("suite", [sys.executable, "-c", "raise SystemExit(3)"], tmp_path / "none.xml")
    assert tally.failures == ["suite (exit status 3)"]


def test_a_check_passes_or_fails_by_its_exit_status(capsys):
    assert str(run_tests.run_check("ok", [sys.executable, "-c", ""])) == "1 passed, 0 failed, 0 skipped"
    assert run_tests.run_check("bad", [sys.executable, "-c", "print('why'); exit(1)"]).failures == ["bad"]
    assert "why" in capsys.readouterr().out


def test_a_shard_counts_as_the_cases_that_it_reports(tmp_path, monkeypatch):
    (tmp_path / "shards").mkdir()
    write(tmp_path / "shards" / "stale.7.xml", '<testcase name="Old" classname="S"/>')

    def ctest(name, command, report):
        write(tmp_path / "shards" / "s.0.xml", '<testcase name="A" classname="S" status="run"/>'
              '<testcase name="B" classname="S" status="run"/><testcase name="C" classname="S" status="run"><skipped/></testcase>')
        write(tmp_path / "shards" / "s.1.xml", '<testcase name="D" classname="S" status="run"/>'
              '<testcase name="E" classname="S" status="run"><failure/></testcase>')
        # The program of the shard that failed, and another that broke before it could report.
        return run_tests.Tally(passed=2, failures=["s.shard_1", "s.shard_2"])

    monkeypatch.setattr(run_tests, "run_suite", ctest)
    tally = run_tests.run_ctest("ctest", tmp_path, 2)
    assert str(tally) == "4 passed, 3 failed, 1 skipped"  # one test of its own; A, B, D
    assert tally.failures == ["s.shard_1", "s.shard_2", "S.E"]
