"""Element-wise operations: NumPy's names, broadcasting and type promotion."""

from __future__ import annotations

from typing import Any

import numpy as np

from aurex.errors import DTypeMismatch
from aurex.ops._call import array, finish, floating, is_floating, is_narrow_integer, kernels, public

__all__ = [
    "abs", "add", "arccos", "arcsin", "arctan", "arctan2", "bitwise_and", "bitwise_or", "bitwise_xor", "ceil",
    "clamp", "copysign", "cos", "cosh", "divide", "equal", "erf", "erfc", "exp", "exp2", "expm1", "floor",
    "floor_divide", "fma", "greater", "greater_equal", "invert", "isfinite", "isinf", "isnan", "left_shift", "less",
    "less_equal", "log", "log1p", "log2", "logical_and", "logical_not", "logical_or", "maximum", "minimum",
    "multiply", "negative", "not_equal", "power", "reciprocal", "remainder", "right_shift", "round", "rsqrt",
    "sign", "sin", "sinh", "sqrt", "square", "subtract", "tan", "tanh", "trunc", "where",
]

_WEAK = (bool, int, float)
# What NumPy does to bools where kernels have no arithmetic on them.
_ON_BOOL = {"add": "logical_or", "maximum": "logical_or", "mul": "logical_and", "minimum": "logical_and"}


def _resolved(ufunc: np.ufunc, operands: tuple[Any, ...]) -> tuple[np.dtype, ...]:
    kinds = [type(x) if type(x) in _WEAK else x.dtype for x in operands]
    return ufunc.resolve_dtypes((*kinds, *(None,) * ufunc.nout))


def _run(kernel: str, ufunc: np.ufunc, operands: tuple[Any, ...], out: np.ndarray | None,
         file: str = "elementwise") -> np.ndarray:
    operands = tuple(x if type(x) in _WEAK else array(x) for x in operands)
    *wanted, dtype = _resolved(ufunc, operands)
    if all(d == np.bool_ for d in wanted):
        kernel = _ON_BOOL.get(kernel, kernel)
    compute = [np.dtype(np.int32) if is_narrow_integer(d) else d for d in wanted]
    arrays = [np.asarray(x, d) for x, d in zip(operands, compute)]
    direct = out is not None and out.dtype == dtype and compute == wanted
    return finish(getattr(kernels(file), kernel)(*arrays, out=out if direct else None), dtype, out)


def _unary(name: str, kernel: str, ufunc: np.ufunc, file: str = "elementwise"):
    def operation(x, out=None):
        return _run(kernel, ufunc, (x,), out, file)

    return _named(operation, name, ufunc)


def _binary(name: str, kernel: str, ufunc: np.ufunc):
    def operation(x, y, out=None):
        return _run(kernel, ufunc, (x, y), out)

    return _named(operation, name, ufunc)


def _named(operation, name: str, ufunc: np.ufunc):
    operation.__name__ = operation.__qualname__ = name
    operation.__doc__ = f"``numpy.{ufunc.__name__}`` as a kernel: same promotion, same broadcasting."
    return public(operation)


add = _binary("add", "add", np.add)
subtract = _binary("subtract", "sub", np.subtract)
multiply = _binary("multiply", "mul", np.multiply)
divide = _binary("divide", "div", np.divide)
maximum = _binary("maximum", "maximum", np.maximum)
minimum = _binary("minimum", "minimum", np.minimum)
arctan2 = _binary("arctan2", "atan2", np.arctan2)
copysign = _binary("copysign", "copysign", np.copysign)
equal = _binary("equal", "equal", np.equal)
not_equal = _binary("not_equal", "not_equal", np.not_equal)
less = _binary("less", "less", np.less)
less_equal = _binary("less_equal", "less_equal", np.less_equal)
greater = _binary("greater", "greater", np.greater)
greater_equal = _binary("greater_equal", "greater_equal", np.greater_equal)
logical_and = _binary("logical_and", "logical_and", np.logical_and)
logical_or = _binary("logical_or", "logical_or", np.logical_or)
bitwise_and = _binary("bitwise_and", "bitwise_and", np.bitwise_and)
bitwise_or = _binary("bitwise_or", "bitwise_or", np.bitwise_or)
bitwise_xor = _binary("bitwise_xor", "bitwise_xor", np.bitwise_xor)

negative = _unary("negative", "neg", np.negative)
abs = _unary("abs", "abs", np.absolute)  # noqa: A001 - NumPy's name
sign = _unary("sign", "sign", np.sign)
square = _unary("square", "square", np.square)
sqrt = _unary("sqrt", "sqrt", np.sqrt)
exp = _unary("exp", "exp", np.exp)
exp2 = _unary("exp2", "exp2", np.exp2)
expm1 = _unary("expm1", "expm1", np.expm1)
log = _unary("log", "log", np.log)
log2 = _unary("log2", "log2", np.log2)
log1p = _unary("log1p", "log1p", np.log1p)
sin = _unary("sin", "sin", np.sin)
cos = _unary("cos", "cos", np.cos)
tan = _unary("tan", "tan", np.tan)
sinh = _unary("sinh", "sinh", np.sinh)
cosh = _unary("cosh", "cosh", np.cosh)
tanh = _unary("tanh", "tanh", np.tanh, "activations")
arcsin = _unary("arcsin", "asin", np.arcsin)
arccos = _unary("arccos", "acos", np.arccos)
arctan = _unary("arctan", "atan", np.arctan)
isnan = _unary("isnan", "isnan", np.isnan)
isinf = _unary("isinf", "isinf", np.isinf)
isfinite = _unary("isfinite", "isfinite", np.isfinite)
logical_not = _unary("logical_not", "logical_not", np.logical_not)
invert = _unary("invert", "bitwise_not", np.invert)


def _rounding(name: str, kernel: str, ufunc: np.ufunc):
    def operation(x, out=None):
        x = array(x)
        if not is_floating(x.dtype):  # integers are round already
            return finish(x.copy(), x.dtype, out)
        return _run(kernel, ufunc, (x,), out)

    return _named(operation, name, ufunc)


floor = _rounding("floor", "floor", np.floor)
ceil = _rounding("ceil", "ceil", np.ceil)
trunc = _rounding("trunc", "trunc", np.trunc)
round = _rounding("round", "round", np.rint)  # noqa: A001 - NumPy's name


def _integers_only(name: str, kernel: str, ufunc: np.ufunc):
    def operation(x, y, out=None):
        if any(is_floating(array(value).dtype) for value in (x, y)):
            raise DTypeMismatch(f"{name} is there for integers", {"expected": "integers", "actual": "floats"})
        return _run(kernel, ufunc, (x, y), out)

    return _named(operation, name, ufunc)


floor_divide = _integers_only("floor_divide", "floor_divide", np.floor_divide)
remainder = _integers_only("remainder", "remainder", np.remainder)
left_shift = _integers_only("left_shift", "left_shift", np.left_shift)
right_shift = _integers_only("right_shift", "right_shift", np.right_shift)


@public
def power(x, y, out=None):
    """``x ** y`` in floats; a negative base needs an integer-valued exponent, else the result is NaN."""
    if not any(is_floating(array(value).dtype) for value in (x, y)):
        raise DTypeMismatch("power is there for floats", {"expected": "a float", "actual": "integers"})
    return _run("pow", np.power, (x, y), out)


def _on_floats(name: str, kernel: str, text: str):
    def operation(x, out=None):
        x = floating(x)
        return finish(getattr(kernels("elementwise"), kernel)(x), x.dtype, out)

    operation.__name__ = operation.__qualname__ = name
    operation.__doc__ = text
    return public(operation)


reciprocal = _on_floats("reciprocal", "reciprocal", "``1 / x``.")
rsqrt = _on_floats("rsqrt", "rsqrt", "``1 / sqrt(x)``.")
erf = _on_floats("erf", "erf", "The error function.")
erfc = _on_floats("erfc", "erfc", "``1 - erf(x)`` without cancellation.")


@public
def where(condition, x, y):
    """``x`` where the condition holds, else ``y``, broadcast and promoted as ``numpy.where`` does."""
    weak = [value if type(value) in _WEAK else array(value) for value in (x, y)]
    dtype = np.result_type(*weak)
    x, y = (np.asarray(value, dtype) for value in weak)
    if dtype == np.bool_:
        return kernels("elementwise").select(array(condition) != 0, x.view(np.uint8), y.view(np.uint8)).view(np.bool_)
    return kernels("elementwise").select(np.asarray(condition, np.bool_), x, y)


@public
def clamp(x, low=None, high=None, out=None):
    """``x`` limited to ``[low, high]``; None leaves that side open. NaN stays."""
    if low is not None:
        x = maximum(x, low)
    if high is not None:
        x = minimum(x, high)
    x = array(x)
    return finish(x if low is not None or high is not None else x.copy(), x.dtype, out)


@public
def fma(a, b, c):
    """``a * b + c``, rounded once, in the common float type."""
    dtype = np.result_type(*(value if type(value) in _WEAK else array(value) for value in (a, b, c)))
    dtype = dtype if is_floating(dtype) else np.dtype(np.float64)
    return kernels("elementwise").fma(*(np.asarray(value, dtype) for value in (a, b, c)))
