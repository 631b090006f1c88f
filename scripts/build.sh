#!/usr/bin/env bash
# Configures and builds one preset: build.sh PRESET [TARGET...]. Quick when nothing changed.
set -euo pipefail
cd "$(dirname "$0")/.."
preset=$1; shift
[ -f "build/$preset/build.ninja" ] || cmake --preset "$preset" >"/tmp/vedette-cmake-$$.log" 2>&1 ||
  { cat "/tmp/vedette-cmake-$$.log" >&2; rm -f "/tmp/vedette-cmake-$$.log"; exit 1; }
rm -f "/tmp/vedette-cmake-$$.log"
cmake --build --preset "$preset" ${1:+--target "$@"}
