# The commands of a working day; what they do is in tools/ and in CMakePresets.json.
#
#   make run         set-up, build, the sentence encoder on real text; ARGS="my.txt 'my question'" for your own
#   make test        set-up, build, every check that guards main
#   make bench       side by side with the peers; all of it writes docs/performance.md; FILTER=softmax for some
#   make sanitize    the tests under the address, undefined-behaviour and thread sanitizers
#   make fuzz        the fuzzers, EXECS inputs each
#   make tidy        clang-tidy over library, command line and tests
#   make wheel       a wheel of the Python package in build/dist, tried in environments of its own
#   make docs        the public headers and the guide as pages in build/docs/html
#   make format      rewrites the sources in the house style
#   make clean       removes build/ (set-up stays)

JOBS ?= 2
EXECS ?= 100000
PYTHON := $(CURDIR)/.venv/bin/python
CONFIGURE := cmake --no-warn-unused-cli -DPython_EXECUTABLE=$(PYTHON) --preset

.DEFAULT_GOAL := build
.PHONY: setup build run test bench sanitize fuzz tidy wheel docs format clean

setup:
	@tools/setup

build: setup
	@$(CONFIGURE) release > build/configure.log 2>&1 || { cat build/configure.log; exit 1; }
	@cmake --build build/release -j$(JOBS)

# Builds what the example needs, not the tests.
run: setup
	@$(CONFIGURE) release > build/configure.log 2>&1 || { cat build/configure.log; exit 1; }
	@cmake --build build/release -j$(JOBS) --target _core
	@PYTHONPATH=build/release/python $(PYTHON) examples/minilm/minilm.py $(ARGS)

# The fuzzers' build is also the address and undefined-behaviour build of the folders that read foreign bytes.
test: build
	@$(CONFIGURE) fuzz > build/configure.log 2>&1 || { cat build/configure.log; exit 1; }
	@cmake --build build/fuzz -j$(JOBS) --target fuzzers base_test cache_test tensor_test ax_test
	@$(PYTHON) tools/run_tests --jobs $(JOBS)

bench: build
	@$(PYTHON) -m pip install --quiet --disable-pip-version-check -r bench/requirements.txt
	@PYTHONPATH=build/release/python $(PYTHON) bench/run.py $(FILTER) $(if $(FILTER),,--page docs/performance.md) $(ARGS)

# What ctest runs: the tests in C++ and in C, and the inputs kept for the fuzzers. Not Python's, whose interpreter is not
# built for the sanitizers; nor is the code that kernels compile to: the conformance suite holds that between guard pages.
sanitize: setup
	@for preset in asan tsan; do \
	  $(CONFIGURE) $$preset > build/configure.log 2>&1 || { cat build/configure.log; exit 1; }; \
	  cmake --build build/$$preset -j$(JOBS) || exit 1; \
	  ctest --test-dir build/$$preset -j$(JOBS) --no-tests=error --timeout 600 --output-on-failure || exit 1; \
	done

# New inputs that reach new code go to build/fuzz/corpus; the one to keep is added to tests/fuzz/corpus by hand.
fuzz: setup
	@$(CONFIGURE) fuzz > build/configure.log 2>&1 || { cat build/configure.log; exit 1; }
	@cmake --build build/fuzz -j$(JOBS) --target fuzzers
	@for fuzzer in build/fuzz/bin/*_fuzz; do \
	  name=$$(basename $$fuzzer _fuzz); mkdir -p build/fuzz/corpus/$$name; \
	  $$fuzzer -runs=$(EXECS) -timeout=1 -rss_limit_mb=2048 -print_final_stats=1 -verbosity=0 \
	    -artifact_prefix=build/fuzz/ build/fuzz/corpus/$$name tests/fuzz/corpus/$$name || exit 1; \
	done

tidy: build
	@$(PYTHON) -m pip install --quiet --disable-pip-version-check -r tools/requirements-tidy.txt
	@$(PYTHON) .venv/bin/run-clang-tidy.py -quiet -clang-tidy-binary .venv/bin/clang-tidy -p build/release -j$(JOBS) \
	  '^$(CURDIR)/(src|cli|tests)/.*\.cpp$$'

# LLVM is linked in, which takes a minute; everything else comes out of ccache where the release tree was built before.
wheel: setup
	@rm -rf build/dist
	@CMAKE_BUILD_PARALLEL_LEVEL=$(JOBS) $(PYTHON) -m pip wheel --quiet --disable-pip-version-check --no-deps \
	  --no-build-isolation --config-settings build-dir=build/wheel --wheel-dir build/dist .
	@tools/check_wheel build/dist/*.whl

docs:
	@tools/setup doxygen
	@mkdir -p build/docs
	@doxygen docs/Doxyfile
	@echo "build/docs/html/index.html"

format: setup
	@tools/format

clean:
	@rm -rf build
