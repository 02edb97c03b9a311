# Every target is one line; what it needs, it installs.
BINARY := .build/release/swguard

.PHONY: build demo test lint format fuzz soak man bench-run install-packages

build: ; .ci/install build && swift build -c release --product swguard
demo: build ; .ci/demo $(BINARY)
test: ; .ci/install build test && .ci/test
lint: ; swift format lint --strict --recursive Sources Tests audit Package.swift
format: ; swift format --in-place --recursive Sources Tests audit Package.swift
fuzz: ; .ci/install build && .ci/fuzz 60
soak: ; .ci/install build test && .ci/soak
man: ; .ci/install build && .ci/man
bench-run: build ; .ci/install bench && .ci/bench-run $(BINARY)
