#!/usr/bin/env bash
# Builds everything and passes all tests. Arguments go to ctest, e.g. test.sh -R storage
# VEDETTE_PRESET in the environment: another preset than dev, e.g. asan.
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/packages.sh build
preset=${VEDETTE_PRESET:-dev}
scripts/build.sh "$preset"
ctest --test-dir "build/$preset" --output-on-failure -j "$(nproc)" "$@"
