#!/usr/bin/env bash
# Builds everything and passes all tests. Arguments go to ctest, e.g. test.sh -R storage
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/packages.sh build
scripts/build.sh dev
ctest --test-dir build/dev --output-on-failure -j "$(nproc)" "$@"
