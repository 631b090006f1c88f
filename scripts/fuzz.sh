#!/usr/bin/env bash
# Runs fuzz targets for a while, two at a time: fuzz.sh SECONDS [NAME...]. Findings are left in build/fuzz/findings.
set -euo pipefail
cd "$(dirname "$0")/.."
seconds=$1; shift
# Older ones do not get along with the ranges of libstdc++ 12.
clang=$(compgen -c clang++- | grep -E '^clang\+\+-[0-9]+$' | sort -uV | tail -1)
[ "${clang#clang++-}" -ge 16 ] 2>/dev/null ||
  { echo "fuzz.sh: install clang 16 or newer and its run time (clang-16 libclang-rt-16-dev)" >&2; exit 1; }
[ -f build/fuzz/build.ninja ] || cmake --preset fuzz -DCMAKE_CXX_COMPILER="$clang" -DCMAKE_C_COMPILER="${clang/++/}" >/dev/null
names=("$@")
targets=("${names[@]/#/fuzz_}")
scripts/build.sh fuzz "${targets[@]:-fuzzers}"
[ ${#names[@]} -gt 0 ] || names=($(cd build/fuzz/fuzz && ls | sed -n 's/^fuzz_//p'))
mkdir -p build/fuzz/findings
printf '%s\n' "${names[@]}" | xargs -P "$(nproc)" -I{} sh -c '
  mkdir -p build/fuzz/corpus/{}
  build/fuzz/fuzz/fuzz_{} -max_total_time='"$seconds"' -timeout=10 -rss_limit_mb=4096 -max_len=65536 \
    -artifact_prefix=build/fuzz/findings/{}- -print_final_stats=1 build/fuzz/corpus/{} >build/fuzz/{}.log 2>&1 &&
    echo "{}: $(sed -n "s/stat::number_of_executed_units: *//p" build/fuzz/{}.log) inputs, nothing found" ||
    { echo "{}: FINDING, see build/fuzz/{}.log"; exit 255; }'
