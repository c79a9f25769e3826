"""What was decided for a kernel prints, parses and pins."""

import numpy as np
import pytest

import aurex

SOFTMAX = """kernel softmax(x: T[R, C]) -> (y: T[R, C]) {
  parallel r in R {
    let e = exp(x[r, C] - max(x[r, C], C))
    y[r, C] = e / sum(e, C)
  }
}"""


@pytest.fixture(scope="module")
def softmax():
    return aurex.compile(SOFTMAX).softmax


@pytest.fixture(scope="module")
def rows():
    return np.random.default_rng(7).standard_normal((5, 37), dtype=np.float32)


def text(softmax, rows, entries):
    head = softmax.explain(rows).schedule.splitlines()[0]
    return f"{head}\n launch softmax {{\n{entries}\n }}\n}}\n"


def test_a_schedule_that_was_explained_makes_the_same_program_again(softmax, rows):
    explained = softmax.explain(rows)
    assert explained.schedule.startswith("schedule 1 softmax on cpu.")
    again = softmax.with_schedule(explained.schedule).explain(rows)
    assert again.schedule == explained.schedule
    assert again.loop == explained.loop


def test_what_is_pinned_is_compiled_and_computes_the_same(softmax, rows):
    pinned = softmax.with_schedule(text(softmax, rows, "vector r x 1\n r = 3"))
    explained = pinned.explain(rows)
    assert "vector r x 1" in explained.schedule and "r = 3" in explained.schedule
    assert explained.loop != softmax.explain(rows).loop
    np.testing.assert_allclose(pinned(rows), softmax(rows), rtol=1e-5)


def test_the_kernel_that_it_came_from_stays_as_it_was(softmax, rows):
    before = softmax.explain(rows).schedule
    softmax.with_schedule(text(softmax, rows, "grain 1"))(rows)
    assert softmax.explain(rows).schedule == before


def test_a_malformed_text_is_refused_at_once_with_its_place(softmax):
    with pytest.raises(aurex.InvalidConfig, match=r"line 1, column 10: expected version 1, found version 2"):
        softmax.with_schedule("schedule 2 softmax on cpu {}")
    with pytest.raises(ValueError, match="expected 'schedule', found the end of the text"):
        softmax.with_schedule("")
    with pytest.raises(TypeError):
        softmax.with_schedule(b"schedule")


def test_a_schedule_of_another_kernel_or_target_is_refused_at_once(softmax, rows):
    good = softmax.explain(rows).schedule
    with pytest.raises(aurex.InvalidConfig, match="a schedule of that kernel, found one of other"):
        softmax.with_schedule(good.replace("schedule 1 softmax", "schedule 1 other"))
    with pytest.raises(aurex.InvalidConfig, match="found one for cpu.none"):
        softmax.with_schedule("schedule 1 softmax on cpu.none {}")


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ("vector C x 4", "line 3, column 1: expected for launch softmax vector r or none, found C"),
        ("grain 4\nb = 5", "line 4, column 1: expected for launch softmax an entry that decides something there"),
        ("form rows", "found 'form'"),
    ],
)
def test_a_call_that_the_schedule_does_not_fit_is_refused(softmax, rows, entries, message):
    pinned = softmax.with_schedule(text(softmax, rows, entries))
    with pytest.raises(aurex.InvalidConfig, match=message):
        pinned(rows)
