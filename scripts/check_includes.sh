#!/usr/bin/env bash
# The include rules of docs/architecture.md: includes point downwards, heavy libraries stay where they belong.
set -euo pipefail
cd "$(dirname "$0")/.."
bad=0

# folder: the project folders it may include (itself is understood)
declare -A may=(
  [core]=""
  [storage]="core"
  [collector]="core storage"
  [analytics]="core storage"
  [alerting]="core storage analytics"
  [dashboards]="core storage collector analytics alerting"
  [config]="core storage collector analytics alerting dashboards"
  [app]="core storage collector analytics alerting dashboards config"
)
for folder in "${!may[@]}"; do
  allowed="$folder ${may[$folder]}"
  pattern=$(printf '%s' "$allowed" | tr -s ' ' '|')
  hits=$(git grep -nE '#include "(core|storage|collector|analytics|alerting|dashboards|config|app|tests)/' -- "$folder/*.h" "$folder/*.cpp" |
    grep -vE "#include \"(${pattern%|})/" || true)
  # config reads the options of every folder and nothing else of them, but for parsers it validates with.
  [ -n "$hits" ] && { echo "$folder/ includes upwards:"; echo "$hits"; bad=1; }
done

# library: the only places that may name it
only() {
  local what=$1 where=$2 hits
  shift 2
  hits=$(git grep -nE "#include [<\"]$what" -- '*.h' '*.cpp' ':!tests' "$@" || true)
  [ -n "$hits" ] && { echo "$what belongs $where:"; echo "$hits"; bad=1; }
  return 0
}
only 'rocksdb/' 'under storage/rocks/' ':!storage/rocks'
only 'yaml-cpp/' 'into core/yaml.cpp' ':!core/yaml*.cpp'
only 'nlohmann/json\.hpp' 'into .cpp files' ':!*.cpp'
only 'boost/beast' 'into .cpp files' ':!*.cpp'
only 'ares\.h' 'into collector/discovery/dns_client.cpp' ':!collector/discovery/dns_client.cpp'
only 'spdlog/' 'into core/log.cpp' ':!core/log.cpp'
only 'prometheus/' 'into .cpp files' ':!*.cpp' ':!*metrics.h'

exit $bad
