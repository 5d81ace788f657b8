# qn_module(<name> FOLDER <path below src> [LINK <quintet modules and libraries>...])
#
# One static library per folder of src/. It sees the sources of its own folder only; what it may link is what stands
# above it in docs/architecture.md, which tests/layering enforces on the includes.
function(qn_module name)
  cmake_parse_arguments(arg "" "FOLDER" "LINK" ${ARGN})
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/src/${arg_FOLDER}/*.cpp)
  add_library(quintet_${name} STATIC ${sources})
  target_include_directories(quintet_${name} PUBLIC ${CMAKE_SOURCE_DIR}/src)
  target_link_libraries(quintet_${name} PUBLIC ${arg_LINK})
endfunction()

# qn_tests(<name> [LINK <libraries>...]): one GoogleTest program from tests/unit/<name>/*_test.cpp, run by ctest as a
# whole so that its closing summary can be counted.
function(qn_tests name)
  cmake_parse_arguments(arg "" "" "LINK" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tests/unit/${name}/*_test.cpp)
  if(NOT sources)
    return()
  endif()
  add_executable(test_${name} ${sources})
  target_link_libraries(test_${name} PRIVATE quintet_${name} ${arg_LINK} GTest::gmock GTest::gtest_main)
  target_compile_definitions(test_${name} PRIVATE QN_SOURCE_DIR="${CMAKE_SOURCE_DIR}")
  add_test(NAME unit.${name} COMMAND test_${name})
  set_tests_properties(unit.${name} PROPERTIES TIMEOUT 600)
endfunction()
