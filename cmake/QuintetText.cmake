# qn_embed_text(<target> <function> <file>): compiles `file` into `target`; `std::string_view quintet::<function>()`,
# which the caller declares, returns its bytes.
function(qn_embed_text target function file)
  get_filename_component(path ${file} ABSOLUTE)
  set(base ${CMAKE_CURRENT_BINARY_DIR}/embedded_${function})
  file(CONFIGURE OUTPUT ${base}.S @ONLY CONTENT [[
    .section .rodata
    .global qn_text_@function@_begin
    .global qn_text_@function@_end
    .hidden qn_text_@function@_begin
    .hidden qn_text_@function@_end
qn_text_@function@_begin:
    .incbin "@path@"
qn_text_@function@_end:
    .byte 0
    .section .note.GNU-stack,"",progbits
]])
  # The assembler wants an at sign before progbits, which file(CONFIGURE) would take for the start of a variable.
  file(READ ${base}.S text)
  string(REPLACE "\"\",progbits" "\"\",@progbits" text "${text}")
  file(WRITE ${base}.S "${text}")
  file(CONFIGURE OUTPUT ${base}.cpp @ONLY CONTENT [[
#include <cstddef>
#include <string_view>

extern "C" const char qn_text_@function@_begin[];
extern "C" const char qn_text_@function@_end[];

namespace quintet {
std::string_view @function@() noexcept;
std::string_view @function@() noexcept {
  return {qn_text_@function@_begin, static_cast<std::size_t>(qn_text_@function@_end - qn_text_@function@_begin)};
}
}  // namespace quintet
]])
  set_source_files_properties(${base}.S PROPERTIES OBJECT_DEPENDS ${path})
  target_sources(${target} PRIVATE ${base}.S ${base}.cpp)
endfunction()
