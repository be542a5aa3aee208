"""The examples in the docstrings of metrics and statistics are true, and every public function has one."""

import doctest
import importlib
import inspect
import pkgutil

import pytest

import idbench.metrics
import idbench.stats

MODULES = [
    f"{package.__name__}.{module.name}"
    for package in (idbench.metrics, idbench.stats)
    for module in pkgutil.iter_modules(package.__path__)
]


@pytest.mark.parametrize("name", MODULES)
def test_examples_hold(name):
    result = doctest.testmod(importlib.import_module(name))
    assert result.attempted and not result.failed


@pytest.mark.parametrize("package", [idbench.metrics, idbench.stats], ids=lambda package: package.__name__)
def test_every_public_function_has_an_example(package):
    public = [getattr(package, name) for name in package.__all__]
    without = [one.__name__ for one in public if inspect.isfunction(one) and ">>>" not in (one.__doc__ or "")]
    assert not without
