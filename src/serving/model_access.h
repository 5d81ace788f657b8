#pragma once

#include <functional>
#include <memory>
#include <string_view>

#include "llm/chat_model.h"
#include "serving/http.h"

namespace quintet {

/// Finds a model by its id; empty = the default one. Throws NotFound naming the models there are.
using ModelFinder = std::function<std::shared_ptr<ChatModel>(std::string_view id)>;

/// Without the scope admin a caller may not have a model loaded, unless it is the default. Throws Forbidden,
/// and NotFound for a model that does not exist.
void require_may_use_model(const ModelFinder& find_model, const Caller& caller, std::string_view id);

}  // namespace quintet
