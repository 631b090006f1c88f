# Every library Vedette links, found in one place. All of them are Debian packages (scripts/packages.sh lists them).
find_package(Threads REQUIRED)
find_package(Boost 1.81 REQUIRED CONFIG)
find_package(OpenSSL 3.0 REQUIRED)
find_package(ZLIB REQUIRED)
find_package(fmt REQUIRED)
find_package(spdlog REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(Eigen3 3.4 REQUIRED NO_MODULE)
find_package(yaml-cpp REQUIRED)
find_package(PkgConfig REQUIRED)
pkg_check_modules(RE2 REQUIRED IMPORTED_TARGET re2)
pkg_check_modules(ZSTD REQUIRED IMPORTED_TARGET libzstd)
pkg_check_modules(XXHASH REQUIRED IMPORTED_TARGET libxxhash)
# Debian 12 ships Snappy and RocksDB without usable pkg-config or with a CMake package that drags in more than is linked here.
# prometheus-cpp's own package file asks for the libraries of its -pull and -push parts, which are not used.
find_library(SNAPPY_LIBRARY NAMES snappy REQUIRED)
find_library(ROCKSDB_LIBRARY NAMES rocksdb REQUIRED)
find_path(ROCKSDB_INCLUDE_DIR NAMES rocksdb/db.h REQUIRED)
find_library(PROMETHEUS_CPP_CORE_LIBRARY NAMES prometheus-cpp-core REQUIRED)
if(NOT TARGET prometheus-cpp::core)
  add_library(prometheus-cpp::core UNKNOWN IMPORTED)
  set_target_properties(prometheus-cpp::core PROPERTIES IMPORTED_LOCATION ${PROMETHEUS_CPP_CORE_LIBRARY})
endif()

# yaml-cpp 0.7 exports `yaml-cpp`, 0.8 `yaml-cpp::yaml-cpp`.
if(NOT TARGET yaml-cpp::yaml-cpp)
  add_library(yaml-cpp::yaml-cpp ALIAS yaml-cpp)
endif()
