# Target quintet_web: the browser client inside the program (static_assets.h, embedded_web_assets()).
#
# With QN_WEB, web/ is installed and built by npm when its sources change; each step leaves a stamp in the build folder.
# Without it, a single page says how to get the client.
include(QuintetEmbed)

set(web ${CMAKE_SOURCE_DIR}/web)
find_program(QN_NPM npm)
if(QN_WEB AND EXISTS ${web}/package.json AND NOT QN_NPM)
  message(FATAL_ERROR "the web client needs npm: install Node.js >= 20, or configure with -D QN_WEB=OFF")
endif()

if(QN_WEB AND EXISTS ${web}/package.json)
  set(stamps ${CMAKE_BINARY_DIR}/web)
  file(MAKE_DIRECTORY ${stamps})
  file(GLOB_RECURSE web_sources CONFIGURE_DEPENDS ${web}/src/* ${web}/public/*)
  file(GLOB web_settings CONFIGURE_DEPENDS ${web}/*.html ${web}/*.json ${web}/vite*.ts)
  add_custom_command(
    OUTPUT ${stamps}/installed
    COMMAND ${QN_NPM} ci --no-audit --no-fund --loglevel=error
    COMMAND ${CMAKE_COMMAND} -E touch ${stamps}/installed
    DEPENDS ${web}/package.json ${web}/package-lock.json
    WORKING_DIRECTORY ${web}
    COMMENT "Installing the web client's packages"
    VERBATIM)
  add_custom_command(
    OUTPUT ${stamps}/built
    COMMAND ${QN_NPM} run --silent build
    COMMAND ${CMAKE_COMMAND} -E touch ${stamps}/built
    DEPENDS ${stamps}/installed ${web_sources} ${web_settings}
    WORKING_DIRECTORY ${web}
    COMMENT "Building the web client"
    VERBATIM)
  qn_embed_assets(quintet_web DIRECTORY ${web}/dist DEPENDS ${stamps}/built)
else()
  set(plain ${CMAKE_BINARY_DIR}/plain_web)
  file(CONFIGURE OUTPUT ${plain}/index.html @ONLY CONTENT "<!doctype html>
<html lang=\"en\">
<meta charset=\"utf-8\">
<title>Quintet</title>
<h1>Quintet</h1>
<p>The server runs; this build has no web client (it was configured with QN_WEB=OFF). The API is described at
<a href=\"/openapi.json\">/openapi.json</a>.</p>
</html>
")
  qn_embed_assets(quintet_web DIRECTORY ${plain} DEPENDS ${plain}/index.html)
endif()
