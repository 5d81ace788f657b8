# Every third-party library, found once. Why each is here: docs/dependencies.md.
find_package(Threads REQUIRED)
find_package(Boost 1.81 REQUIRED)
find_package(fmt REQUIRED)
find_package(spdlog REQUIRED)
find_package(CURL REQUIRED)
find_package(OpenSSL 3 REQUIRED)
find_package(LibXml2 REQUIRED)
find_package(ZLIB REQUIRED)

# Boost.JSON is compiled once, in src/core/boost_json.cpp; the other Boost parts are headers.
add_library(quintet_boost INTERFACE)
target_include_directories(quintet_boost SYSTEM INTERFACE ${Boost_INCLUDE_DIRS})
target_compile_definitions(quintet_boost INTERFACE BOOST_ALL_NO_LIB)

# Debian ships static archives of the small libraries that every other machine may lack in this version.
find_library(QN_SQLITE3 NAMES libsqlite3.a sqlite3 REQUIRED)
find_library(QN_UTF8PROC NAMES libutf8proc.a utf8proc REQUIRED)
find_library(QN_PCRE2 NAMES libpcre2-8.a pcre2-8 REQUIRED)
add_library(quintet_pcre2 INTERFACE)
target_link_libraries(quintet_pcre2 INTERFACE ${QN_PCRE2})
target_compile_definitions(quintet_pcre2 INTERFACE PCRE2_STATIC)
add_library(quintet_sqlite3 INTERFACE)
target_link_libraries(quintet_sqlite3 INTERFACE ${QN_SQLITE3} m ${CMAKE_DL_LIBS} Threads::Threads)
add_library(quintet_utf8proc INTERFACE)
target_link_libraries(quintet_utf8proc INTERFACE ${QN_UTF8PROC})
target_compile_definitions(quintet_utf8proc INTERFACE UTF8PROC_STATIC)

find_library(QN_EDIT NAMES edit REQUIRED)
add_library(quintet_edit INTERFACE)
target_link_libraries(quintet_edit INTERFACE ${QN_EDIT})

find_library(QN_SECCOMP NAMES libseccomp.a seccomp REQUIRED)
add_library(quintet_seccomp INTERFACE)
target_link_libraries(quintet_seccomp INTERFACE ${QN_SECCOMP})
