# The libraries of others that Aurex links with, and how.
#
# AUREX_STATIC_LLVM is for what is shipped (docs/adr/0006-static-llvm.md): LLVM, fmt and spdlog go into what is built,
# which then needs nothing but the C and C++ runtimes, zlib, zstd and terminfo, and shows none of their symbols.
# Without it the system's shared libraries are used, and linking takes a second.
option(AUREX_STATIC_LLVM "Link LLVM, fmt and spdlog into what is built instead of their shared libraries" OFF)

find_package(Threads REQUIRED)
find_package(fmt REQUIRED)
find_package(spdlog REQUIRED)
find_package(LLVM 19.1 REQUIRED CONFIG)

if(AUREX_STATIC_LLVM)
  llvm_map_components_to_libnames(AUREX_LLVM_LIBS passes x86 aarch64)
  set(AUREX_FMT aurex_fmt)
  set(AUREX_SPDLOG spdlog::spdlog_header_only)
  set_target_properties(spdlog::spdlog_header_only PROPERTIES INTERFACE_LINK_LIBRARIES "Threads::Threads;${AUREX_FMT}")
  # Compiled as fmt::fmt is used, so that every object is the same in both kinds of build and ccache gives it.
  add_library(aurex_fmt STATIC ${CMAKE_CURRENT_LIST_DIR}/outside/fmt.cpp)
  target_compile_definitions(aurex_fmt PUBLIC FMT_SHARED PRIVATE FMT_LIB_EXPORT)
  set(AUREX_LINK_OPTIONS -Wl,--exclude-libs,ALL -Wl,--gc-sections)
else()
  set(AUREX_LLVM_LIBS LLVM)
  set(AUREX_FMT fmt::fmt)
  set(AUREX_SPDLOG spdlog::spdlog)
  set(AUREX_LINK_OPTIONS "")
endif()
