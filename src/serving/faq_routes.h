#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "apps/faq/answerer.h"
#include "apps/faq/knowledge_cache.h"
#include "apps/faq/knowledge_store.h"
#include "apps/faq/question_log.h"
#include "serving/http.h"
#include "serving/model_access.h"

namespace quintet {

/// What the FAQ application's routes need; owned by the composition root, outlives the server.
struct FaqServices {
  faq::KnowledgeStore& knowledge;
  faq::KnowledgeCache& cache;
  faq::QuestionLog& questions;
  const faq::Answerer& answerer;
  ModelFinder find_model;
  std::size_t max_upload_bytes = 64 << 20;
};

/// /api/faq/…: knowledge bases, entries, import, export, history, inbox, statistics, ask.
std::vector<Route> faq_routes(FaqServices& services);

}  // namespace quintet
