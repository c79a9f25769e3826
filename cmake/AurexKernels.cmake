# Kernels compiled ahead of time into a target of yours:
#
#   aurex_add_kernels(my_program FILES softmax.ax matmul.ax [TARGET cpu.avx2] [PREFIX my_] [TYPES T=f64] [SHAPE M=64,N=64])
#
# adds one object per file, and puts a header of the same name on the target's include path: #include "softmax.h".
# TARGET is the processor that the code is for; without it the one of the machine that builds. See aurex build --help.
function(aurex_add_kernels target)
  cmake_parse_arguments(PARSE_ARGV 1 KERNELS "" "TARGET;PREFIX;SHAPE" "FILES;TYPES")
  if(KERNELS_UNPARSED_ARGUMENTS OR NOT KERNELS_FILES)
    message(FATAL_ERROR "aurex_add_kernels(target FILES a.ax … [TARGET t] [PREFIX p] [TYPES T=f64 …] [SHAPE M=64,…])")
  endif()
  set(program Aurex::program)
  if(TARGET aurex)
    set(program aurex)
  endif()
  set(options "")
  foreach(name IN ITEMS TARGET PREFIX SHAPE)
    if(KERNELS_${name})
      string(TOLOWER ${name} option)
      list(APPEND options --${option} ${KERNELS_${name}})
    endif()
  endforeach()
  foreach(type IN LISTS KERNELS_TYPES)
    list(APPEND options --type ${type})
  endforeach()
  set(folder ${CMAKE_CURRENT_BINARY_DIR}/${target}_kernels)
  file(MAKE_DIRECTORY ${folder})
  foreach(file IN LISTS KERNELS_FILES)
    get_filename_component(path ${file} ABSOLUTE)
    get_filename_component(name ${file} NAME_WE)
    set(object ${folder}/${name}.o)
    set(header ${folder}/${name}.h)
    add_custom_command(
      OUTPUT ${object} ${header}
      COMMAND ${program} build ${path} -o ${object} --header ${header} ${options}
      DEPENDS ${path} ${program}
      COMMENT "Compiling the kernels of ${file}"
      VERBATIM)
    set_source_files_properties(${object} PROPERTIES EXTERNAL_OBJECT TRUE GENERATED TRUE)
    target_sources(${target} PRIVATE ${object} ${header})
  endforeach()
  target_include_directories(${target} PRIVATE ${folder})
endfunction()
