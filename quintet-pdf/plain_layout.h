#pragma once

#include "documents/document.h"
#include "documents/raw_page.h"

namespace quintet::pdf {

/// One paragraph per block of the file's own drawing order.
Page plain_page(const RawPage& raw);

}  // namespace quintet::pdf
