"""Every kind of wrong call has its own error, says who is wrong, and leaves the kernel and the inputs as they were."""

import numpy as np
import pytest

import aurex

F = np.float32


@pytest.fixture(autouse=True)
def later_calls_work(mod):
    yield
    np.testing.assert_array_equal(mod.add(np.ones(3, F), np.ones(3, F)), [2, 2, 2])


def refused(error, builtin, call, **fields):
    with pytest.raises(error) as caught:
        call()
    assert isinstance(caught.value, builtin)
    assert isinstance(caught.value, aurex.Error)
    assert caught.value.code == error.__name__
    for name, value in fields.items():
        assert getattr(caught.value, name) == value, name
    return caught.value


def test_extents_that_disagree(mod):
    refused(aurex.ShapeMismatch, ValueError, lambda: mod.add(np.ones(3, F), np.ones(4, F)),
            kernel="add", axis="N", expected=(3,), actual=(4,), parameter="y", other_parameter="x")


def test_shapes_that_do_not_broadcast(mod):
    refused(aurex.ShapeMismatch, ValueError, lambda: mod.shift(np.ones((2, 3), F), np.ones(4, F)), kernel="shift")


def test_a_wrong_rank(mod):
    refused(aurex.DimensionMismatch, ValueError, lambda: mod.add(np.ones((3, 3), F), np.ones(3, F)),
            parameter="x", actual=2, expected=1)


def test_a_number_where_an_array_belongs_and_the_reverse(mod, x):
    refused(aurex.DTypeMismatch, TypeError, lambda: mod.add(1.0, x), argument="x")
    refused(aurex.DTypeMismatch, TypeError, lambda: mod.scale(x, x), argument="factor")


def test_a_wrong_dtype(mod):
    refused(aurex.DTypeMismatch, TypeError, lambda: mod.gather(np.ones(3, F), np.zeros(2, np.int64)),
            argument="at", expected="i32[N]", actual="i64")
    refused(aurex.DTypeMismatch, TypeError, lambda: mod.add(np.ones(3, F), np.ones(3)), argument="y", actual="f64")


@pytest.mark.parametrize("array", [np.array([object()]), np.array(["a"]), np.ones(2, complex), np.ones(2, ">f4"),
                                   np.zeros(2, "M8[s]"), np.ones(2, np.longdouble)])
def test_arrays_that_are_no_numbers_of_this_machine(mod, array):
    refused(aurex.DTypeMismatch, TypeError, lambda: mod.scale(array), argument="x")


@pytest.mark.parametrize("thing", [object(), "text", b"bytes", {}, len])
def test_what_is_no_array_at_all(mod, thing):
    refused(aurex.DTypeMismatch, TypeError, lambda: mod.scale(thing), argument="x", actual=type(thing).__name__)


def test_missing_surplus_unknown_and_repeated_arguments(mod, x):
    refused(aurex.ArgumentError, TypeError, lambda: mod.add(x), argument="y")
    refused(aurex.ArgumentError, TypeError, lambda: mod.add(x, x, x))
    refused(aurex.ArgumentError, TypeError, lambda: mod.add(x, x, w=x), argument="w")
    refused(aurex.ArgumentError, TypeError, lambda: mod.add(x, x, x=x), argument="x")
    refused(aurex.ArgumentError, TypeError, lambda: mod.ramp(1.0), argument="N")
    refused(aurex.ArgumentError, TypeError, lambda: mod.add(x, x, out=(x, x)), argument="out")


def test_an_output_that_overlaps_an_input(mod):
    ground = np.arange(8, dtype=F)
    refused(aurex.InvalidConfig, ValueError, lambda: mod.add(ground[:6], ground[:6], out=ground[1:7]), argument="z")
    np.testing.assert_array_equal(ground, np.arange(8))


def test_an_output_that_is_an_input_seen_alike_is_fine(mod, x):
    np.testing.assert_array_equal(mod.add(x, x, out=x), np.arange(6) * 2)


def test_an_output_that_is_read_only(mod, x):
    z = np.zeros(6, F)
    z.flags.writeable = False
    refused(aurex.InvalidConfig, ValueError, lambda: mod.add(x, x, out=z), argument="z")
    assert not z.any()


def test_an_output_that_is_too_small(mod, x):
    z = np.zeros(5, F)
    refused(aurex.InvalidConfig, ValueError, lambda: mod.add(x, x, out=z), argument="z")
    assert not z.any()


def test_an_output_whose_positions_share_elements(mod, x):
    z = np.lib.stride_tricks.as_strided(np.zeros(6, F), (6,), (0,))
    refused(aurex.InvalidConfig, ValueError, lambda: mod.add(x, x, out=z), argument="z")


def test_an_output_of_another_dtype(mod, x):
    refused(aurex.DTypeMismatch, TypeError, lambda: mod.add(x, x, out=np.zeros(6)))


def test_strides_that_are_no_multiple_of_the_element(mod):
    packed = np.zeros(4, np.dtype([("a", "u1"), ("b", "<f4")]))["b"]
    refused(aurex.InvalidConfig, ValueError, lambda: mod.scale(packed), argument="x")


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8", "i2", "i4", "i8"])
@pytest.mark.parametrize("offset", [1, 3, 5])
def test_a_view_at_an_odd_address_is_as_good_as_any(mod, dtype, offset):
    """No bad input, though many libraries take it for one."""
    count, size = 1000, np.dtype(dtype).itemsize
    x, y, z = (np.zeros(count * size + 8, np.uint8)[offset:offset + count * size].view(dtype) for _ in range(3))
    x[:], y[:] = np.arange(count), 7
    assert not x.flags.aligned and not z.flags.aligned
    mod.add(x, y, out=z)
    np.testing.assert_array_equal(z, x + y)
    np.testing.assert_array_equal(mod.add(x[::-2], y[::2]), x[::-2] + y[::2])


@pytest.mark.parametrize("index", [3, -1, 2**31 - 1])
def test_an_index_outside_its_table(mod, index):
    at = np.array([0, 2, index, 1], np.int32)
    error = refused(aurex.IndexOutOfRange, IndexError, lambda: mod.gather(np.ones(3, F), at),
                    kernel="gather", index=index, bound=3, line=9, position=2)
    assert list(error.axes.values()) == [2]
    assert isinstance(error, aurex.KernelError)
    np.testing.assert_array_equal(mod.gather(np.ones(3, F), at[:2]), [1, 1])


def test_extents_whose_product_overflows(mod):
    outer = aurex.compile("kernel outer(x: T[M], y: T[N]) -> (z: T[M, N]) { parallel m in M, n in N "
                          "{ z[m, n] = x[m] * y[n] } }").outer
    wide = np.broadcast_to(F(1), (2**40,))
    error = refused(aurex.OutOfMemory, MemoryError, lambda: outer(wide, wide))
    assert {"requested", "free", "limit"} <= set(error.fields)


def test_more_memory_than_there_is(mod):
    refused(aurex.OutOfMemory, MemoryError, lambda: mod.fill(1.0, N=2**50))


def test_a_negative_extent(mod):
    refused(aurex.InvalidConfig, ValueError, lambda: mod.ramp(1.0, N=-1), argument="N")


def test_text_that_is_no_program():
    error = refused(aurex.CompileError, SyntaxError, lambda: aurex.compile("kernel f(x) =\n  x +* 2", "bad.ax"))
    assert (error.filename, error.lineno) == ("bad.ax", 2) and error.offset > 0
    assert error.diagnostic.startswith("AX")


def test_deep_and_large_texts_are_refused_in_bounded_time():
    for text in ("kernel f(x) = " + "(" * 20_000, "?" * 10_000_000):
        refused(aurex.CompileError, SyntaxError, lambda: aurex.compile(text))


def test_a_file_that_is_not_there():
    refused(aurex.IoError, OSError, lambda: aurex.load("/nowhere/at/all.ax"))


def test_devices_that_are_not_there():
    error = refused(aurex.DeviceNotAvailable, RuntimeError, lambda: aurex.device("cuda:7"))
    assert "cpu" in str(error)
    refused(aurex.InvalidConfig, ValueError, lambda: aurex.device("no such device"))


def test_a_kernel_that_is_not_there(mod):
    with pytest.raises(AttributeError, match="there are: add"):
        mod.substract
