#pragma once

#include <span>

#include "storage/migrations.h"

namespace quintet {

/// The tables of conversations, which began in the FAQ's: these steps run after faq::migrations().
std::span<const Migration> conversation_migrations();

}  // namespace quintet
