#pragma once

#include <string>

#include "documents/raw_page.h"

namespace quintet::pdf {

/// A page before layout as one line of JSON, for people and tests:
///   {"number":1,"label":"i","width":612,"height":792,"lines":[{"block":0,"box":[…],"vertical":true,
///    "words":[{"text":"a","box":[x0,y0,x1,y1],"size":10,"style":"bim"}]}],"rules":[[…]],"images":[[…]],"problem":…}
std::string raw_page_line(const RawPage& page);

}  // namespace quintet::pdf
