#!/usr/bin/env bash
# Installs the Debian packages that Vedette is built from, if any is missing. Debian 12 and 13; as root or with sudo.
#   packages.sh build     what compiling and the tests need (default)
#   packages.sh ci        also what CI checks with: formatter, real Prometheus tools as clients
set -euo pipefail

build_packages=(
  cmake g++ ninja-build pkg-config ccache mold python3
  libboost-dev libc-ares-dev libcli11-dev libeigen3-dev libfmt-dev libre2-dev librocksdb-dev libsnappy-dev libspdlog-dev libssl-dev
  libxxhash-dev libyaml-cpp-dev libzstd-dev nlohmann-json3-dev prometheus-cpp-dev zlib1g-dev
  catch2 openssl
)
ci_packages=(clang-format prometheus prometheus-node-exporter victoria-metrics)

wanted=("${build_packages[@]}")
[ "${1:-build}" = ci ] && wanted+=("${ci_packages[@]}")

if ! command -v apt-get >/dev/null; then
  echo "packages.sh: no apt-get here; install the equivalents of: ${wanted[*]}" >&2
  exit 0
fi
# Debian 12's libboost-dev is 1.74; the 1.81 beside it is the first that is recent enough.
if [ "$(. /etc/os-release && echo "${VERSION_ID:-}")" = 12 ]; then
  wanted=("${wanted[@]/#libboost-dev/libboost1.81-dev}")
fi

missing=()
for package in "${wanted[@]}"; do
  dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q '^install ok installed$' || missing+=("$package")
done
[ ${#missing[@]} -eq 0 ] && exit 0

as_root=()
if [ "$(id -u)" != 0 ]; then
  command -v sudo >/dev/null || { echo "packages.sh: run as root or install sudo; missing: ${missing[*]}" >&2; exit 1; }
  as_root=(sudo)
fi
echo "Installing ${#missing[@]} Debian packages: ${missing[*]}"
"${as_root[@]}" apt-get update -qq
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
