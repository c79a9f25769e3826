"""Memory lent by and to other array libraries: nothing is copied, everything is given back once."""

import ctypes
import gc

import ml_dtypes
import numpy as np
import pytest

import aurex
from dlpack_peer import BFLOAT, CODES, CPU, CUDA, FLOAT8_E5M2, READ_ONLY, Peer, Received

KERNELS = """
kernel twice(x: T[N]) -> (y: T[N]) { parallel i in N { y[i] = x[i] + x[i] } }
kernel bump(inout x: T[N]) { parallel i in N { x[i] += 1 } }
kernel rows(x: T[M, N]) -> (y: T[M]) { parallel m in M { y[m] = sum(x[m, N], N) } }
"""


@pytest.fixture(scope="module")
def k():
    return aurex.compile(KERNELS, "exchange.ax")


def floats(*values):
    return (ctypes.c_float * len(values))(*values)


def peer(*values, **options):
    return Peer(floats(*values), options.pop("shape", (len(values),)), CODES["f"], 32, **options)


def test_a_kernel_writes_into_the_producers_memory(k):
    x = peer(1, 2, 3)
    assert k.bump(x) is None
    assert list(x.memory) == [2, 3, 4]
    out = peer(0, 0, 0)
    assert k.twice(np.float32([1, 2, 3]), out=out) is out
    assert list(out.memory) == [2, 4, 6]
    gc.collect()
    assert x.lent == out.lent == 0


def test_the_view_of_a_producers_tensor_has_its_pointer(k):
    x = peer(1, 2, 3, 4, shape=(2,), strides=(2,), byte_offset=4)
    view = aurex._core.array_from_dlpack(x)
    assert view.ctypes.data == x.address and view.strides == (8,) and view.flags.writeable
    np.testing.assert_array_equal(view, [2, 4])


@pytest.mark.parametrize("version", [1, None])
def test_a_tensor_is_given_back_once_when_its_last_user_is_gone(k, version):
    x = peer(1, 2, 3, version=version)
    view = aurex._core.array_from_dlpack(x)
    part = view[1:]
    count, memory = x.count, x.memory
    assert count == [1]
    del view
    gc.collect()
    assert count == [1], "a part of it is still used"
    del x
    gc.collect()
    np.testing.assert_array_equal(part, [2, 3])
    del part
    gc.collect()
    assert count == [0] and list(memory) == [1, 2, 3]


def test_a_tensor_is_given_back_after_a_refused_call(k):
    x = peer(1, 2, 3)
    with pytest.raises(aurex.DimensionMismatch):
        k.rows(x)
    strange = Peer(floats(1, 2), (1,), 5, 64)
    with pytest.raises(aurex.DTypeMismatch, match="code 5, 64 bits"):
        k.twice(strange)
    vector = peer(1, 2, 3, 4, shape=(1,), lanes=4)
    with pytest.raises(aurex.DTypeMismatch, match="4 lanes"):
        k.twice(vector)
    gc.collect()
    assert x.lent == strange.lent == vector.lent == 0


def test_strides_and_byte_offsets_are_followed(k):
    transposed = peer(*range(7), shape=(3, 2), strides=(1, 3), byte_offset=4)
    y = k.rows(transposed)
    assert np.frombuffer(y.bytes(), np.float32).tolist() == [5, 7, 9]
    backwards = peer(1, 2, 3, strides=(-1,), byte_offset=8)
    np.testing.assert_array_equal(np.frombuffer(k.twice(backwards).bytes(), np.float32), [6, 4, 2])
    repeated = peer(5, shape=(4,), strides=(0,))
    np.testing.assert_array_equal(np.frombuffer(k.twice(repeated).bytes(), np.float32), [10] * 4)


def test_a_read_only_tensor_is_read_and_not_written(k):
    x = peer(1, 2, flags=READ_ONLY)
    np.testing.assert_array_equal(np.frombuffer(k.twice(x).bytes(), np.float32), [2, 4])
    for write in (lambda: k.bump(x), lambda: k.twice(np.float32([1, 2]), out=x)):
        with pytest.raises(aurex.InvalidConfig, match="read-only"):
            write()
    assert list(x.memory) == [1, 2]


def test_an_older_producer_is_asked_again_without_a_version(k):
    x = peer(1, 2, version=None)
    k.bump(x)
    assert list(x.memory) == [2, 3]
    assert x.asked == [{"max_version": (1, 3)}, {}]


def test_a_producer_is_asked_for_no_stream(k):
    x = peer(1, 2)
    k.twice(x)
    assert x.asked and all(options.get("stream") is None for options in x.asked)


def test_a_later_version_is_not_understood(k):
    x = peer(1, 2, version=2)
    with pytest.raises(aurex.NotImplemented, match="version 2"):
        k.twice(x)
    gc.collect()
    assert x.lent == 0


def test_memory_of_another_device_is_refused_before_it_is_lent(k):
    x = peer(1, 2, device=(CUDA, 1))
    with pytest.raises(aurex.DeviceMismatch, match="'x': its memory is on DLPack device 2:1"):
        k.twice(x)
    assert x.asked == []


def test_what_the_producer_raises_comes_through(k):
    class Broken(Peer):
        def __dlpack__(self, **options):
            raise BufferError("lent to somebody else")

    with pytest.raises(BufferError, match="somebody else"):
        k.twice(Broken(floats(1), (1,), CODES["f"], 32))

    class Empty(Peer):
        def __dlpack__(self, **options):
            return 42

    with pytest.raises(TypeError, match="'x': __dlpack__ of Empty gave no capsule"):
        k.twice(Empty(floats(1), (1,), CODES["f"], 32))


@pytest.mark.parametrize(("dtype", "code", "bits"), [(ml_dtypes.bfloat16, BFLOAT, 16), (ml_dtypes.float8_e5m2, FLOAT8_E5M2, 8),
                                                     (np.float16, CODES["f"], 16), (np.int64, CODES["i"], 64),
                                                     (np.uint8, CODES["u"], 8)])
def test_every_type_goes_there_and_back(k, dtype, code, bits):
    values = np.array([1, 2, 3], dtype)
    memory = (ctypes.c_uint8 * values.nbytes).from_buffer_copy(values.tobytes())
    x = Peer(memory, (3,), code, bits)
    assert aurex._core.array_from_dlpack(x).dtype == values.dtype
    y = k.twice(x)
    assert isinstance(y, Received) and (y.code, y.bits, y.shape) == (code, bits, (3,))
    assert y.bytes() == (values + values).tobytes()
    z = aurex.ops.add(x, x) if bits > 8 else k.twice(x)
    assert z.bytes() == (values + values).tobytes()


@pytest.mark.parametrize("dtype", [np.float32, ml_dtypes.bfloat16])
def test_a_result_lives_until_its_consumer_lets_go(k, dtype):
    values = np.arange(1000, dtype=dtype)
    code, bits = (BFLOAT, 16) if values.itemsize == 2 else (CODES["f"], 32)
    y = k.twice(Peer((ctypes.c_uint8 * values.nbytes).from_buffer_copy(values.tobytes()), (1000,), code, bits))
    for _ in range(10):
        k.twice(np.zeros(1000, dtype))
    gc.collect()
    assert y.versioned and y.bytes() == (values + values).tobytes()
    y.release()


def test_narrow_floats_are_lent_where_they_lie():
    from aurex import interchange

    x = np.array([1, 2], ml_dtypes.bfloat16)
    lent = interchange._Lent(x)
    for version in ((1, 0), None):
        received = Received(lent, version)
        assert received.address == x.ctypes.data and received.versioned == (version is not None)
        received.release()
    assert lent.__dlpack_device__() == (CPU, 0)
    with pytest.raises(ValueError, match="no streams"):
        lent.__dlpack__(stream=1)
    with pytest.raises(BufferError):
        lent.__dlpack__(copy=True)
    x.flags.writeable = False
    assert Received(lent, (1, 0)).read_only
    with pytest.raises(aurex.InvalidConfig, match="read-only"):
        lent.__dlpack__()


class Interface:
    """Speaks NumPy's older protocol only."""

    def __init__(self, data, read_only=False):
        self.data = data
        self.__array_interface__ = data.__array_interface__ | {"data": (data.ctypes.data, read_only)}


def test_the_array_interface_is_read_and_written_in_place(k):
    x = np.arange(8, dtype=np.float32)
    np.testing.assert_array_equal(k.twice(Interface(x[::2])), x[::2] * 2)
    k.bump(Interface(x[1::2]))
    np.testing.assert_array_equal(x, [0, 2, 2, 4, 4, 6, 6, 8])
    with pytest.raises(aurex.InvalidConfig, match="read-only"):
        k.bump(Interface(x, read_only=True))
