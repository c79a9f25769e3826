"""The forms of a call and the arrays it takes."""

import inspect
import pydoc

import ml_dtypes
import numpy as np
import pytest

import aurex

REAL_TYPES = ["f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8"]


def test_positional_named_and_out_give_the_same(mod, x):
    z = np.empty_like(x)
    assert mod.add(x, x, out=z) is z
    np.testing.assert_array_equal(z, x + x)
    np.testing.assert_array_equal(mod.add(x, y=x), z)
    np.testing.assert_array_equal(mod.add(y=x, x=x), z)
    np.testing.assert_array_equal(mod["add"](x, x), z)


def test_a_default_stands_in_for_what_is_left_out_or_none(mod, x):
    np.testing.assert_array_equal(mod.scale(x), x * 2)
    np.testing.assert_array_equal(mod.scale(x, None), x * 2)
    np.testing.assert_array_equal(mod.scale(x, factor=3), x * 3)
    np.testing.assert_array_equal(mod.scale(x, np.float32(0.5)), x * 0.5)


def test_an_extent_that_no_argument_carries_is_given_by_name(mod):
    np.testing.assert_array_equal(mod.ramp(2.0, N=4), [0, 2, 4, 6])
    np.testing.assert_array_equal(mod.ramp(2.0, N=np.int64(3)), [0, 2, 4])
    np.testing.assert_array_equal(mod.ramp(2.0, out=np.empty(3, np.float32)), [0, 2, 4])


def test_several_results_are_a_named_tuple(mod, x):
    result = mod.split(x)
    assert result._fields == ("low", "high")
    np.testing.assert_array_equal(result.low, x - 1)
    np.testing.assert_array_equal(result.high, x + 1)


def test_several_results_go_to_a_tuple_of_arrays_none_is_allocated(mod, x):
    low = np.empty_like(x)
    result = mod.split(x, out=(low, None))
    assert result.low is low
    np.testing.assert_array_equal(result.high, x + 1)


def test_an_inout_array_changes_in_place_and_nothing_is_returned(mod, x):
    assert mod.bump(x) is None
    np.testing.assert_array_equal(x, np.arange(6) + 1)


@pytest.mark.parametrize("dtype", REAL_TYPES)
def test_every_dtype_of_numpy(mod, dtype):
    x = np.arange(5).astype(dtype)
    z = mod.add(x, x)
    assert z.dtype == x.dtype
    np.testing.assert_array_equal(z, x + x)


@pytest.mark.parametrize("dtype", [ml_dtypes.bfloat16, ml_dtypes.float8_e4m3fn, ml_dtypes.float8_e5m2])
def test_narrow_floats_of_ml_dtypes(mod, dtype):
    x = np.array([0, 1, -2, 0.5], dtype)
    z = mod.add(x, x)
    assert z.dtype == np.dtype(dtype)
    np.testing.assert_array_equal(z.astype(np.float32), [0, 2, -4, 1])


VIEWS = {
    "strided": lambda: np.arange(40, dtype=np.float32).reshape(5, 8)[::2, 1::3],
    "transposed": lambda: np.arange(12, dtype=np.float32).reshape(3, 4).T,
    "negative": lambda: np.arange(12, dtype=np.float32).reshape(3, 4)[::-1, ::-1],
    "broadcast": lambda: np.broadcast_to(np.arange(4, dtype=np.float32), (3, 4)),
    "four axes": lambda: np.arange(120, dtype=np.float32).reshape(2, 3, 4, 5).transpose(2, 0, 3, 1),
    "empty": lambda: np.zeros((3, 0), np.float32),
    "one": lambda: np.ones((1, 1), np.float32),
    "read-only": lambda: np.frombuffer(np.arange(6, dtype=np.float32).tobytes(), np.float32).reshape(2, 3),
}


@pytest.mark.parametrize("name", VIEWS)
def test_views_are_read_where_they_lie(mod, name):
    x = VIEWS[name]()
    np.testing.assert_array_equal(mod.sum_rows(x), x.sum(-1))
    np.testing.assert_array_equal(mod.scale(x, 3), x * 3)


def test_a_strided_result_is_written_where_it_lies(mod, x):
    ground = np.zeros(12, np.float32)
    mod.scale(x, out=ground[::-2])
    np.testing.assert_array_equal(ground[::-2], x * 2)
    assert not ground[::2].any()


def test_zero_axes(mod):
    y = mod.scale(np.array(3, np.float32))
    assert y.shape == () and y.dtype == np.float32 and y == 6
    assert mod.scale(np.float64(3)).dtype == np.float64


def test_expression_kernels_broadcast_and_take_numbers(mod, x):
    np.testing.assert_array_equal(mod.shift(x.reshape(2, 3), x[:3]), x.reshape(2, 3) + x[:3])
    assert mod.shift(x, 1).dtype == np.float32
    assert mod.shift(x.astype(np.int16), 1).dtype == np.int16
    assert mod.shift(np.float32(1), np.float32(2)).dtype == np.float32
    assert mod.shift(1, 2) == 3 and mod.shift(0.5, 1) == 1.5


def test_the_buffer_protocol(mod):
    import array

    np.testing.assert_array_equal(mod.scale(array.array("d", [1, 2])), [2, 4])


class Foreign:
    """An array of another library: it speaks DLPack and has a namespace, and is no NumPy array."""

    def __init__(self, data):
        self.data = data

    def __dlpack__(self, **options):
        return self.data.__dlpack__(**options)

    def __dlpack_device__(self):
        return self.data.__dlpack_device__()

    def __array_namespace__(self):
        return self

    @staticmethod
    def from_dlpack(array):
        return Foreign(np.from_dlpack(array))


def test_arrays_of_other_libraries_come_back_in_kind(mod, x):
    z = mod.add(Foreign(x), x)
    assert isinstance(z, Foreign)
    np.testing.assert_array_equal(z.data, x + x)
    y = aurex.ops.exp(Foreign(x))
    assert isinstance(y, Foreign)
    np.testing.assert_allclose(y.data, np.exp(x), rtol=1e-6)


def test_a_result_is_written_into_an_array_of_another_library(mod, x):
    place = Foreign(np.empty_like(x))
    assert mod.add(x, x, out=place) is place
    np.testing.assert_array_equal(place.data, x + x)


def test_the_memory_of_a_result_lives_as_long_as_its_views(mod):
    view = mod.scale(np.ones(100_000, np.float32))[10:20]
    for _ in range(10):
        mod.scale(np.zeros(100_000, np.float32))
    np.testing.assert_array_equal(view, 2)


def test_help_repr_and_signature_say_what_the_kernel_says(mod):
    line = "kernel scale(x: T[R...], factor: float = 2) -> (y: T[R...])"
    assert repr(mod.scale) == f"<aurex.Kernel {line}>"
    assert line in pydoc.render_doc(mod.scale)
    assert str(inspect.signature(mod.scale)) == "(x, factor=2, *, out=None)"
    assert mod.scale.__name__ == "scale"
    assert mod.split.results == ("low", "high")
    assert "scale" in dir(mod) and "scale" in repr(mod)


def test_explain_shows_the_forms_and_where_the_time_went(x):
    kernel = aurex.compile("kernel twice(x) = x + x").twice
    first = kernel.explain(x)
    assert first.cache == "compiled" and kernel.explain(x).cache == "memory"
    assert "define" in first.llvm and "ret" in first.asm and first.loop and "twice" in first.tile
    assert first.timing["total"] == pytest.approx(sum(v for k, v in first.timing.items() if k != "total"))
    assert first.device in str(first)
