# Language level, warnings, linker, sanitizers and compiler cache for every target.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)

set(QN_SANITIZE "" CACHE STRING "value for -fsanitize=, empty for none")

add_compile_options(-Wall -Wextra -Wpedantic -Werror)
# libstdc++ 12's own std::stable_sort calls a function that it marks deprecated.
add_compile_options(-Wno-deprecated-declarations)
# Exported symbols of the executable are not an interface; hiding them lets the linker drop more.
add_compile_options(-fvisibility=hidden -ffunction-sections -fdata-sections)
if(CMAKE_BUILD_TYPE STREQUAL "Release")
  set(CMAKE_CXX_FLAGS_RELEASE "-O2 -DNDEBUG")
  add_link_options(LINKER:--gc-sections)
endif()
if(CMAKE_BUILD_TYPE STREQUAL "Debug")
  set(CMAKE_CXX_FLAGS_DEBUG "-O1 -g1")
endif()

if(QN_SANITIZE)
  add_compile_options(-fsanitize=${QN_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  string(REPLACE "fuzzer-no-link," "" qn_link_sanitize "${QN_SANITIZE}")
  add_link_options(-fsanitize=${qn_link_sanitize})
endif()

find_program(QN_LLD NAMES ld.lld-19 ld.lld)
if(QN_LLD)
  add_link_options(-fuse-ld=${QN_LLD})
endif()

find_program(QN_CCACHE ccache)
if(QN_CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${QN_CCACHE})
endif()
