# qn_embed_assets(<target> DIRECTORY <folder> DEPENDS <files...>)
#
# A static library <target> that defines quintet::embedded_web_assets() with every file below <folder>: the bytes as
# they are and compressed with brotli and gzip. What files there are is known only after the client was built, so the
# sources are generated during the build by embed_assets.cmake.
function(qn_embed_assets target)
  cmake_parse_arguments(arg "" "DIRECTORY" "DEPENDS" ${ARGN})
  find_program(QN_BROTLI brotli)
  find_program(QN_GZIP gzip)
  set(out ${CMAKE_CURRENT_BINARY_DIR}/${target})
  set(script ${CMAKE_SOURCE_DIR}/cmake/embed_assets.cmake)
  add_custom_command(
    OUTPUT ${out}/assets.S ${out}/assets.cpp
    COMMAND ${CMAKE_COMMAND} -D DIRECTORY=${arg_DIRECTORY} -D OUT=${out} -D BROTLI=${QN_BROTLI} -D GZIP=${QN_GZIP}
            -P ${script}
    DEPENDS ${arg_DEPENDS} ${script}
    COMMENT "Embedding ${arg_DIRECTORY}"
    VERBATIM)
  add_library(${target} STATIC ${out}/assets.S ${out}/assets.cpp)
  # The assembler reads the files behind .incbin without telling; the script rewrites assets.S whenever they change.
  set_source_files_properties(${out}/assets.S PROPERTIES OBJECT_DEPENDS ${out}/assets.cpp)
  target_include_directories(${target} PRIVATE ${CMAKE_SOURCE_DIR}/src)
  target_link_libraries(${target} PRIVATE quintet_core)
endfunction()
