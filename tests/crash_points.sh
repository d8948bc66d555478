#!/usr/bin/env bash
# Ends the real program at named points around claim, point of no return, result, seal and import,
# with both policies and both channels. In a folder of its own: the feature changes every file.
set -euo pipefail
cd "$(dirname "$0")/.."
export CARGO_TARGET_DIR="${CRASH_POINTS_TARGET:-target/crash-points}"
cargo test --locked --features crash-points --test it -- delivery::crash_points --nocapture "$@"
