#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "apps/faq/answerer.h"
#include "apps/faq/chat_service.h"
#include "apps/faq/conversation_store.h"
#include "apps/faq/knowledge_cache.h"
#include "apps/faq/knowledge_store.h"
#include "apps/faq/question_log.h"
#include "serving/http.h"

namespace quintet {

/// What the FAQ application's routes need; owned by the composition root, outlives the server.
struct FaqServices {
  faq::KnowledgeStore& knowledge;
  faq::KnowledgeCache& cache;
  faq::QuestionLog& questions;
  faq::ConversationStore& conversations;
  faq::ChatService& chat;
  const faq::Answerer& answerer;
  std::function<std::shared_ptr<ChatModel>(std::string_view id)> find_model;
  std::size_t max_upload_bytes = 64 << 20;
};

/// Without the scope admin a caller may not have a model loaded, unless it is the default. Throws Forbidden,
/// and NotFound for a model that does not exist.
void require_may_use_model(const FaqServices& services, const Caller& caller, std::string_view id);

/// /api/faq/…: knowledge bases, entries, import, export, history, inbox, statistics, ask.
std::vector<Route> faq_routes(FaqServices& services);
/// /api/conversations/… and /api/messages/…: chats and their streams.
std::vector<Route> conversation_routes(FaqServices& services);

}  // namespace quintet
