# vedette_embed(TARGET SYMBOL FILE): puts a file into the library as `extern "C" const char SYMBOL[], SYMBOL_end[]`.
function(vedette_embed target symbol file)
  set(source ${CMAKE_CURRENT_BINARY_DIR}/${symbol}.S)
  get_filename_component(path ${file} ABSOLUTE)
  file(GENERATE OUTPUT ${source} CONTENT
".section .rodata
.global ${symbol}
.global ${symbol}_end
.balign 16
${symbol}:
.incbin \"${path}\"
${symbol}_end:
.byte 0
.section .note.GNU-stack,\"\",%progbits
")
  set_source_files_properties(${source} PROPERTIES OBJECT_DEPENDS ${path} SKIP_PRECOMPILE_HEADERS ON LANGUAGE ASM GENERATED TRUE)
  target_sources(${target} PRIVATE ${source})
endfunction()
