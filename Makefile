# Every target is one line; what it needs, it installs.
BINARY := .build/release/swguard

.PHONY: build demo test vm-test evasions oracle apparmor lint format fuzz soak man deb package-test power-cut bench bench-run bench-agent bench-automata bench-filter bench-kernel bench-events install-packages

build: ; .ci/install build && swift build -c release --product swguard
demo: build ; .ci/demo $(BINARY)
test: ; .ci/install build test vm && .ci/test
vm-test: ; .ci/install build vm && swift build -c release --product swguard && swift build --build-tests && Tests/vm/kernel-tests
evasions: ; .ci/install build vm && swift build -c release --product swguard && swift build --build-tests && .ci/evasions
oracle: ; .ci/install build test vm && .ci/oracle $(or $(N),20000)
apparmor: build ; .ci/install vm && Tests/vm/apparmor
lint: ; swift format lint --strict --recursive Sources Tests audit Package.swift
format: ; swift format --in-place --recursive Sources Tests audit Package.swift
fuzz: ; .ci/install build && .ci/fuzz 300
soak: ; .ci/install build test vm && .ci/soak
man: ; .ci/install build && .ci/man
deb: build man ; .ci/deb $(BINARY)
package-test: deb ; .ci/install build vm && Tests/vm/package-tests .build/swguard_*.deb
power-cut: build ; .ci/install build vm && Tests/vm/power-cut
bench-run: build ; .ci/install bench && .ci/bench-run $(BINARY)
bench-agent: build ; .ci/install vm && .ci/bench-agent $(BINARY)
bench-automata: ; .ci/install build bench && swift build -c release --product bench-automata && .ci/bench-automata .build/release/bench-automata
bench-filter: ; .ci/install build bench && swift build -c release --product bench-filter && .ci/bench-filter .build/release/bench-filter
bench-kernel: build ; .ci/install vm bench && .ci/bench-kernel $(BINARY)
bench-events: build ; .ci/install vm bench && .ci/bench-events $(BINARY)
bench: bench-run bench-agent bench-automata bench-filter bench-kernel bench-events
