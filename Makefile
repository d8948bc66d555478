# The tasks of this repository. `make` lists them.

.PHONY: help check test demo schema snapshots golden bench

help: ## list the tasks
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/'

check: ## what CI checks before it tests: format, lints
	cargo fmt --check
	cargo clippy --all-targets --locked -- -D warnings

test: ## the whole test suite
	cargo test --locked

demo: ## the main job on a sample base, in the folder demo/
	cargo run --locked -- demo

schema: ## write the JSON schemas of the configuration anew
	cargo run --locked -- check --schema settings > config/schema/settings.json
	cargo run --locked -- check --schema campaign > config/schema/campaign.json

snapshots: ## accept what the snapshot tests show
	INSTA_UPDATE=always cargo test --locked

bench: ## every ratio of benches/README.md
	cargo bench --locked
