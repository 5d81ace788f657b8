#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "apps/chat/chat_service.h"
#include "apps/chat/conversation_store.h"
#include "serving/http.h"
#include "serving/model_access.h"

namespace quintet {

/// What the routes of conversations need; owned by the composition root, outlives the server.
struct ConversationServices {
  ConversationStore& conversations;
  ChatService& chat;
  ModelFinder find_model;
  /// "up", "down" or nothing, and a comment, about an answer.
  std::function<void(std::string_view message_id, const std::optional<std::string>& rating,
                     const std::string& comment)>
      rate;
};

/// /api/conversations/… and /api/messages/…: chats and their streams, whichever application answers.
std::vector<Route> conversation_routes(ConversationServices& services);

}  // namespace quintet
