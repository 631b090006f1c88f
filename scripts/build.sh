#!/usr/bin/env bash
# Configures and builds one preset: build.sh PRESET [TARGET...]. Quick when nothing changed.
# VEDETTE_JOIN_SOURCES=ON in the environment: several sources are compiled as one, for builds that nobody edits after.
set -euo pipefail
cd "$(dirname "$0")/.."
preset=$1; shift
[ -f "build/$preset/build.ninja" ] || cmake --preset "$preset" ${VEDETTE_JOIN_SOURCES:+-DVEDETTE_JOIN_SOURCES="$VEDETTE_JOIN_SOURCES"} >"/tmp/vedette-cmake-$$.log" 2>&1 ||
  { cat "/tmp/vedette-cmake-$$.log" >&2; rm -f "/tmp/vedette-cmake-$$.log"; exit 1; }
rm -f "/tmp/vedette-cmake-$$.log"
cmake --build --preset "$preset" ${1:+--target "$@"}
