#pragma once

#include <span>

#include "storage/migrations.h"

namespace quintet {

/// The tables of this folder: spans, usage, prices.
std::span<const Migration> telemetry_migrations() noexcept;

}  // namespace quintet
