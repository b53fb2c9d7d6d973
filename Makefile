# `make test` and `make demo` need Python >= 3.11 with venv, make and git; the rest is fetched into .build.
# Another interpreter: make PYTHON=/path/to/python3.13 test

PYTHON ?= python3
ARGS ?=

version := $(shell $(PYTHON) -c 'import sys; print("%d.%d" % sys.version_info[:2])')
ifeq ($(version),)
$(error "$(PYTHON)" does not run; name a Python 3.11 or newer: make PYTHON=/path/to/python3 test)
endif

# Everything lies below the version, so that runs with different interpreters do not disturb each other.
state := .build/$(version)
boot := $(state)/boot/ready
nox := $(state)/boot/bin/nox

export UV_PYTHON_DOWNLOADS := never

.PHONY: test contract bench demo fuzz lint sanity unit tests molecule coverage oldest docs package build matrix fragment release clean
.DEFAULT_GOAL := test

# The last line says how many tests ran, passed and failed, whatever else went wrong.
test: $(boot)
	@rm -f $(state)/summary.txt; \
	$(nox) --parallel 2 --session tests lint sanity molecule oldest docs package coverage; status=$$?; \
	cat $(state)/summary.txt 2>/dev/null || { echo "The tests did not run to their end." >&2; status=1; }; \
	exit $$status

# One step of the above, or a convenience: make unit ARGS="-k ndr"
# `make contract` asks a real server; docs/wire-notes.md says how.
# `make fuzz ARGS="gateway -max_total_time=240"` runs a fuzzer until it finds something; tests/fuzz/__main__.py says more.
# `make bench ARGS="walk get"` measures; docs/benchmarks.md says what there is.
contract bench demo fuzz lint sanity unit tests molecule coverage oldest docs package build matrix fragment: $(boot)
	@$(nox) --session $@ -- $(ARGS)

# Files only; CONTRIBUTING.md says what comes after it.
release: $(boot)
	@$(nox) --session release -- $(VERSION)

$(boot): Makefile
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed, this is $(version)" if sys.version_info < (3, 11) else 0)'
	@$(PYTHON) -m venv --clear $(state)/boot
	@$(state)/boot/bin/python -m pip install --quiet --disable-pip-version-check 'nox[uv]>=2026.10,<2027'
	@touch $@

clean:
	rm -rf .build
