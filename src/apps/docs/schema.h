#pragma once

#include <span>

#include "storage/migrations.h"

namespace quintet::docs {

/// The tables of Document Q&A; those of the keyword index are retrieval's.
std::span<const Migration> migrations();

}  // namespace quintet::docs
