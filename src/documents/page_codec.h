#pragma once

#include <string>
#include <string_view>

#include "documents/document.h"

namespace quintet {

/// A page's words and blocks as a few bytes each, for storage: about a sixth of the same in JSON. Places are
/// rounded to hundredths of a point.
std::string encode_places(const Page& page);

/// Fills `page.words` and `page.blocks`; `page.text` is there already. Throws CorruptData for what
/// encode_places() would not have written for that text.
void decode_places(std::string_view bytes, Page& page);

}  // namespace quintet
