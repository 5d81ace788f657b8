#pragma once

#include <span>

#include "storage/database.h"

namespace quintet::faq {

/// Tables of the FAQ application: knowledge bases with history, conversations, the question log.
std::span<const Migration> migrations();

}  // namespace quintet::faq
