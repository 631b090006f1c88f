#!/usr/bin/env bash
# Every C++ file is laid out as .clang-format says. `check_format.sh --fix` does it.
set -euo pipefail
cd "$(dirname "$0")/.."
mode=(--dry-run --Werror)
[ "${1:-}" = --fix ] && mode=(-i)
git ls-files '*.h' '*.cpp' | xargs clang-format "${mode[@]}"
