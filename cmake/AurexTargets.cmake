# The two ways to declare a folder of the library; see docs/map.md for what lives where.

# Warnings and options shared by all targets.
add_library(aurex_options INTERFACE)
target_include_directories(aurex_options INTERFACE $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/src>)
target_compile_options(aurex_options INTERFACE -Wall -Wextra -Wpedantic -Werror -Wno-unused-parameter -fvisibility=hidden)
# Element-wise results are bit-equal on every path, so C++ code must not fuse on its own.
target_compile_options(aurex_options INTERFACE -ffp-contract=off)

# aurex_library(NAME tensor SOURCES a.cpp b.cpp DEPS base LIBS fmt::fmt)
#   One static library per folder, target aurex_<NAME>. DEPS are sibling folders, LIBS outside packages (private).
function(aurex_library)
  cmake_parse_arguments(ARG "" "NAME" "SOURCES;DEPS;LIBS" ${ARGN})
  list(TRANSFORM ARG_DEPS PREPEND aurex_)
  add_library(aurex_${ARG_NAME} STATIC ${ARG_SOURCES})
  target_link_libraries(aurex_${ARG_NAME} PUBLIC ${ARG_DEPS} aurex_options PRIVATE ${ARG_LIBS})
endfunction()

# aurex_test(NAME tensor SOURCES a_test.cpp DEPS tensor [LIBS …] [SHARDS 16])
#   One GoogleTest program per folder, registered case by case with the folder's name as label; one that takes long to
#   start is registered by SHARDS, each of which runs its part of the cases and reports them in build/…/shards. No test
#   reads or writes the user's cache: the disk cache is off unless AUREX_CACHE_SIZE says otherwise.
function(aurex_test)
  if(NOT AUREX_BUILD_TESTS)
    return()
  endif()
  cmake_parse_arguments(ARG "" "NAME;SHARDS" "SOURCES;DEPS;LIBS" ${ARGN})
  list(TRANSFORM ARG_DEPS PREPEND aurex_)
  add_executable(${ARG_NAME}_test ${ARG_SOURCES} ${PROJECT_SOURCE_DIR}/tests/no_disk_cache.cpp)
  target_link_libraries(${ARG_NAME}_test PRIVATE ${ARG_DEPS} ${ARG_LIBS} aurex_options GTest::gmock GTest::gtest_main)
  # What is tested stays optimised; the tests themselves compile twice as fast without (9.6 s against 4.9 s for one).
  target_compile_options(${ARG_NAME}_test PRIVATE -O0)
  if(NOT ARG_SHARDS)
    gtest_discover_tests(${ARG_NAME}_test TEST_PREFIX "${ARG_NAME}." DISCOVERY_MODE PRE_TEST PROPERTIES LABELS ${ARG_NAME})
    return()
  endif()
  math(EXPR last "${ARG_SHARDS} - 1")
  foreach(shard RANGE ${last})
    set(report ${CMAKE_BINARY_DIR}/shards/${ARG_NAME}.${shard}.xml)
    add_test(NAME ${ARG_NAME}.shard_${shard} COMMAND ${ARG_NAME}_test --gtest_brief=1 --gtest_output=xml:${report})
    set_tests_properties(${ARG_NAME}.shard_${shard} PROPERTIES
      ENVIRONMENT "GTEST_TOTAL_SHARDS=${ARG_SHARDS};GTEST_SHARD_INDEX=${shard}" LABELS ${ARG_NAME})
  endforeach()
endfunction()

# aurex_bench(NAME base SOURCES a_bench.cpp DEPS base [LIBS …])
#   One Google Benchmark program per folder, bin/<NAME>_bench, where that library is installed. No test runs it.
find_package(benchmark QUIET)
function(aurex_bench)
  if(NOT benchmark_FOUND)
    return()
  endif()
  cmake_parse_arguments(ARG "" "NAME" "SOURCES;DEPS;LIBS" ${ARGN})
  list(TRANSFORM ARG_DEPS PREPEND aurex_)
  add_executable(${ARG_NAME}_bench ${ARG_SOURCES})
  target_link_libraries(${ARG_NAME}_bench PRIVATE ${ARG_DEPS} ${ARG_LIBS} aurex_options benchmark::benchmark)
endfunction()
