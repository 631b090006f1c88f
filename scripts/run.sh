#!/usr/bin/env bash
# Builds what is needed and starts Vedette. Without arguments it watches this host and itself; open http://127.0.0.1:9090.
# Arguments go to `vedette serve`, e.g. run.sh --config.file=prometheus.yml --web.listen-address=0.0.0.0:9090
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/packages.sh build
scripts/build.sh release vedette
exec build/release/vedette serve "$@"
