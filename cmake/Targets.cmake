# Helpers that give every target of the project the same warnings, precompiled header and naming.

add_library(vedette_options INTERFACE)
target_compile_options(vedette_options INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Woverloaded-virtual -Werror
  # Part of the precompiled headers' macros, so the same everywhere.
  -pthread
  # Sums are compensated (Neumaier): contraction to FMA would change their last digits.
  -ffp-contract=off)
target_compile_definitions(vedette_options INTERFACE
  BOOST_ASIO_NO_DEPRECATED BOOST_ASIO_SEPARATE_COMPILATION BOOST_BEAST_SEPARATE_COMPILATION
  SPDLOG_FMT_EXTERNAL SPDLOG_COMPILED_LIB)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # False positives of g++ 12 and 14 inside libstdc++ and Boost when they are inlined at -O1 and above.
  target_compile_options(vedette_options INTERFACE -Wno-maybe-uninitialized -Wno-restrict -Wno-stringop-overflow -Wno-stringop-overread
    -Wno-array-bounds -Wno-dangling-reference -Wno-dangling-pointer -Wno-free-nonheap-object
    -Wno-mismatched-new-delete)
endif()

# ccache makes a second build of the same sources (another clone, a sanitizer run after a rebase) nearly free.
find_program(CCACHE_PROGRAM ccache)
if(CCACHE_PROGRAM)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env CCACHE_BASEDIR=${CMAKE_SOURCE_DIR} CCACHE_NOHASHDIR=1
      CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime ${CCACHE_PROGRAM})
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    target_compile_options(vedette_options INTERFACE -fpch-preprocess)
  endif()
endif()

find_program(MOLD_PROGRAM mold)
if(MOLD_PROGRAM)
  add_link_options(-fuse-ld=mold)
endif()

if(VEDETTE_JOIN_SOURCES AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # Harmless when everything that uses the type sits in one file, and in a joined one that cannot be told.
  target_compile_options(vedette_options INTERFACE -Wno-subobject-linkage)
endif()

# vedette_join_sources(TARGET COUNT): lets VEDETTE_JOIN_SOURCES compile COUNT sources of the target as one. Names in their
# unnamed namespaces have to be unique for it.
function(vedette_join_sources target count)
  if(VEDETTE_JOIN_SOURCES)
    set_target_properties(${target} PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE ${count})
  endif()
endfunction()

# One precompiled header for all libraries.
add_library(vedette_pch OBJECT ${CMAKE_SOURCE_DIR}/cmake/pch.cpp)
target_link_libraries(vedette_pch PRIVATE vedette_options fmt::fmt Boost::headers)
target_precompile_headers(vedette_pch PRIVATE ${CMAKE_SOURCE_DIR}/cmake/pch.h)

# vedette_library(NAME SOURCES a.cpp ... PUBLIC dep ... PRIVATE dep ...): static library vedette::NAME of one folder.
function(vedette_library name)
  cmake_parse_arguments(ARG "" "" "SOURCES;PUBLIC;PRIVATE" ${ARGN})
  add_library(vedette_${name} STATIC ${ARG_SOURCES})
  add_library(vedette::${name} ALIAS vedette_${name})
  target_include_directories(vedette_${name} PUBLIC ${CMAKE_SOURCE_DIR})
  target_link_libraries(vedette_${name} PUBLIC ${ARG_PUBLIC} PRIVATE vedette_options ${ARG_PRIVATE})
  target_precompile_headers(vedette_${name} REUSE_FROM vedette_pch)
  vedette_join_sources(vedette_${name} 24)
endfunction()

# vedette_test(NAME [APART TAG] SOURCES a_test.cpp ... LINK dep ... LABELS l ...): one Catch2 binary, one ctest entry; cases
# with the tag APART have an entry NAME_TAG of their own, which runs beside the other.
function(vedette_test name)
  cmake_parse_arguments(ARG "" "TIMEOUT;APART" "SOURCES;LINK;LABELS" ${ARGN})
  add_executable(test_${name} ${ARG_SOURCES} ${CMAKE_SOURCE_DIR}/tests/support/sanitizers.cpp)
  target_link_libraries(test_${name} PRIVATE vedette_options vedette_test_support ${ARG_LINK})
  target_precompile_headers(test_${name} REUSE_FROM vedette_test_pch)
  vedette_join_sources(test_${name} 10)
  set_target_properties(test_${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
  add_dependencies(unit_tests test_${name})
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 300)
  endif()
  set(entries ${name})
  if(ARG_APART)
    list(APPEND entries ${name}_${ARG_APART})
    add_test(NAME ${name} COMMAND test_${name} "~[${ARG_APART}]" WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
    add_test(NAME ${name}_${ARG_APART} COMMAND test_${name} "[${ARG_APART}]" WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
  else()
    add_test(NAME ${name} COMMAND test_${name} WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
  endif()
  # What may take longest starts first.
  set_tests_properties(${entries} PROPERTIES TIMEOUT ${ARG_TIMEOUT} COST ${ARG_TIMEOUT} LABELS "${ARG_LABELS}")
endfunction()
