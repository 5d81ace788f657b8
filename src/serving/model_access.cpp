#include "serving/model_access.h"

#include "core/error.h"
#include "core/text.h"

namespace quintet {

void require_may_use_model(const ModelFinder& find_model, const Caller& caller, std::string_view id) {
  if (id.empty() || caller.has_scope("admin")) return;
  const ChatModelInfo wanted = find_model(id)->info();
  if (wanted.is_ready || wanted.id == find_model("")->info().id) return;
  throw Forbidden(cat(wanted.id, " is not in memory, and loading it needs the scope admin"));
}

}  // namespace quintet
