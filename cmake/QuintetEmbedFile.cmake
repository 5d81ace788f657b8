# qn_embed_file(<target> <file> <symbol>): the bytes of a file in the program, between <symbol>_begin and <symbol>_end.
# Assembled rather than compiled: a string literal of this length is beyond what compilers must take.
function(qn_embed_file target file symbol)
  set(source ${CMAKE_CURRENT_BINARY_DIR}/${symbol}.S)
  file(CONFIGURE OUTPUT ${source} @ONLY CONTENT [=[
.section .rodata
.global @symbol@_begin
.global @symbol@_end
.hidden @symbol@_begin
.hidden @symbol@_end
.balign 16
@symbol@_begin:
.incbin "@file@"
@symbol@_end:
.byte 0
#if defined(__ELF__)
.section .note.GNU-stack,"",%progbits
#endif
]=])
  set_source_files_properties(${source} PROPERTIES OBJECT_DEPENDS ${file})
  target_sources(${target} PRIVATE ${source})
endfunction()
