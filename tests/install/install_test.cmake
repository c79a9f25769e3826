# Run as a script: installs the build at BUILD below WORK, builds the projects that use it there, and runs them.
#   cmake -DBUILD=… -DWORK=… -DSOURCE=… -DC_COMPILER=… -DCXX_COMPILER=… -DFLAGS=… -DC_EXAMPLE=… -P install_test.cmake
function(run)
  execute_process(COMMAND ${ARGN} RESULT_VARIABLE status OUTPUT_VARIABLE output ERROR_VARIABLE output)
  if(NOT status EQUAL 0)
    list(JOIN ARGN " " command)
    message(FATAL_ERROR "${command}: ${status}\n${output}")
  endif()
  set(output "${output}" PARENT_SCOPE)
endfunction()

function(require path)
  if(NOT EXISTS ${path})
    message(FATAL_ERROR "${path} was not installed")
  endif()
endfunction()

file(REMOVE_RECURSE ${WORK})
foreach(component runtime development)
  run(${CMAKE_COMMAND} --install ${BUILD} --prefix ${WORK}/prefix --component ${component})
endforeach()
require(${WORK}/prefix/include/aurex.h)
require(${WORK}/prefix/include/aurex/aurex.h)
file(GLOB_RECURSE inner ${WORK}/prefix/include/*test* ${WORK}/prefix/include/*fixture* ${WORK}/prefix/include/*llvm*)
if(inner)
  message(FATAL_ERROR "headers that nobody needs were installed: ${inner}")
endif()

run(${WORK}/prefix/bin/aurex --version)
run(${CMAKE_COMMAND} -G Ninja -S ${SOURCE}/consumer -B ${WORK}/consumer -DCMAKE_PREFIX_PATH=${WORK}/prefix
    -DCMAKE_C_COMPILER=${C_COMPILER} -DCMAKE_CXX_COMPILER=${CXX_COMPILER} -DCMAKE_C_FLAGS=${FLAGS}
    -DCMAKE_CXX_FLAGS=${FLAGS} -DCMAKE_EXE_LINKER_FLAGS=${LINKER_FLAGS} -DAUREX_C_EXAMPLE=${C_EXAMPLE})
run(${CMAKE_COMMAND} --build ${WORK}/consumer)
run(${WORK}/consumer/consumer)
if(NOT output MATCHES "installed")
  message(FATAL_ERROR "the consumer says: ${output}")
endif()
run(${WORK}/consumer/consumer_in_c)
