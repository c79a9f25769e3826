# What `cmake --install` gives: headers, libaurex.a with aurex.h for C, the program `aurex`, and a package that
# find_package(Aurex) finds. The Python package is the component `python`, which pip installs alone.
include(CMakePackageConfigHelpers)
include(GNUInstallDirs)

set(package_folder ${CMAKE_INSTALL_LIBDIR}/cmake/Aurex)

install(TARGETS aurex RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT runtime)
install(FILES ${AUREX_ARCHIVE} DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT development)
install(FILES ${PROJECT_SOURCE_DIR}/capi/aurex.h DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} COMPONENT development)
# The code generator's insides and what only tests include stay here.
install(
  DIRECTORY ${PROJECT_SOURCE_DIR}/src/aurex
  DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
  COMPONENT development
  FILES_MATCHING
  PATTERN "*.h"
  PATTERN "diagnostic_table.inc"
  PATTERN "codegen/cpu" EXCLUDE
  PATTERN "codegen/llvm" EXCLUDE
  PATTERN "device/null" EXCLUDE
  PATTERN "device/cpu" EXCLUDE
  PATTERN "call_fixture.h" EXCLUDE
  PATTERN "ebnf_test_support.h" EXCLUDE
  PATTERN "reference_programs.h" EXCLUDE
  PATTERN "test_call.h" EXCLUDE
  PATTERN "test_folder.h" EXCLUDE)

configure_package_config_file(${CMAKE_CURRENT_LIST_DIR}/AurexConfig.cmake.in ${PROJECT_BINARY_DIR}/AurexConfig.cmake
                              INSTALL_DESTINATION ${package_folder} PATH_VARS CMAKE_INSTALL_INCLUDEDIR CMAKE_INSTALL_LIBDIR
                              CMAKE_INSTALL_BINDIR)
write_basic_package_version_file(${PROJECT_BINARY_DIR}/AurexConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/AurexConfig.cmake ${PROJECT_BINARY_DIR}/AurexConfigVersion.cmake
              ${CMAKE_CURRENT_LIST_DIR}/AurexKernels.cmake
        DESTINATION ${package_folder} COMPONENT development)
