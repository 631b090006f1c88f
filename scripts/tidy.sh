#!/usr/bin/env bash
# clang-tidy over the files changed since a revision (default: main), with the checks of .clang-tidy.
set -euo pipefail
cd "$(dirname "$0")/.."
[ -f build/dev/compile_commands.json ] || cmake --preset dev >/dev/null
git diff --name-only --diff-filter=d "${1:-main}" -- '*.cpp' ':!tests' | xargs -r clang-tidy -p build/dev --quiet
