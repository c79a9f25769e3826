# Run as a script: writes a C++ file that returns the text of INPUT.
#   cmake -DINPUT=a.ax -DOUTPUT=a.cpp -DHEADER=aurex/ax/prelude_text.h -DFUNCTION=prelude_text -P EmbedText.cmake
# NAMESPACE is aurex::ax unless it is given.
# String literals are cut into pieces: compilers need not take longer ones than 65,536 characters.
if(NOT DEFINED NAMESPACE)
  set(NAMESPACE aurex::ax)
endif()
file(READ ${INPUT} rest)
set(body "")
while(NOT rest STREQUAL "")
  string(LENGTH "${rest}" length)
  if(length GREATER 8000)
    string(SUBSTRING "${rest}" 0 8000 piece)
    string(SUBSTRING "${rest}" 8000 -1 rest)
  else()
    set(piece "${rest}")
    set(rest "")
  endif()
  string(APPEND body "    R\"ax_text(${piece})ax_text\"\n")
endwhile()
file(WRITE ${OUTPUT} "#include \"${HEADER}\"\n\nnamespace ${NAMESPACE} {\n\nstd::string_view ${FUNCTION}() {\n  return\n${body}      ;\n}\n\n}  // namespace ${NAMESPACE}\n")
