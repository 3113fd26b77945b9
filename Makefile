# The front desk: every daily command is one word. `make help` lists them.
PRESET ?= dev
J ?= $(shell nproc)

.PHONY: help all types ui release test asan tsan check lint fmt fuzz bench e2e dev ci clean coverage
all: build/$(PRESET)/build.ninja ## build the server (PRESET=dev)
	@cmake --build build/$(PRESET) -j $(J)

build/%/build.ninja: CMakeLists.txt CMakePresets.json
	@cmake --preset $* >/dev/null

help: ## this list
	@awk -F':.*## ' '/^[a-z0-9%\/$$()]+:.*## /{printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

types: build/$(PRESET)/build.ninja ## print the page's types from the server's tables: ui/src/model.gen.ts
	@cmake --build build/$(PRESET) -j $(J) --target types

ui: types ui/node_modules/.installed ## build the page into ui/dist
	@cd ui && node build.mjs

%/node_modules/.installed: %/package-lock.json
	@cd $* && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error && touch node_modules/.installed

release: ## the server as shipped, with the page inside
	@$(MAKE) ui PRESET=release
	@cmake --build build/release -j $(J) --target shipped

test: ## unit, wire, replay, store and house tests under sanitizers (T=name filters)
	@$(MAKE) all PRESET=asan
	@ctest --test-dir build/asan --output-on-failure -j $(J) $(if $(T),-R $(T))

asan: test ## the same as test: sanitizers are the normal build of the tests

tsan: ## the threaded tests under ThreadSanitizer
	@$(MAKE) all PRESET=tsan
	@ctest --test-dir build/tsan --output-on-failure -j $(J) -LE house $(if $(T),-R $(T))

check: ## house rules, the map and formatting
	@sh tools/house.sh
	@sh tools/map.sh
	@git ls-files '*.c' '*.h' | xargs clang-format --dry-run -Werror

lint: ## clang-tidy, gcc's analyzer and cppcheck
	@sh tools/test.sh lint

fmt: ## format the C code
	@git ls-files '*.c' '*.h' | xargs clang-format -i

fuzz: ## run the fuzzers (F=ws for one, S=60 seconds each)
	@$(MAKE) all PRESET=fuzz
	@sh tools/fuzz.sh $(or $(S),60) $(F)

bench: ## benchmarks, as ratios against the raw limit or a peer in the same run
	@$(MAKE) release
	@cmake --build build/release -j $(J) --target programs
	@$(MAKE) tests/bench/peers/node_modules/.installed
	@sh tests/bench/run.sh $(B)

e2e: ## the real server, a real browser
	@$(MAKE) release
	@cmake --build build/release -j $(J) --target programs
	@$(MAKE) build/asan/build.ninja PRESET=asan
	@cmake --build build/asan -j $(J) --target binnacle
	@$(MAKE) tests/e2e/node_modules/.installed
	@sh tests/e2e/run.sh $(T)

coverage: ## line and branch coverage of the tests
	@sh tools/test.sh coverage

dev: ## rebuild on save; the page reloads by itself
	@node tools/dev.mjs

ci: ## everything CI runs
	@./run test

clean: ## forget every build
	@rm -rf build
