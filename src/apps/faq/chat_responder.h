#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "apps/chat/responder.h"
#include "apps/faq/answerer.h"
#include "apps/faq/knowledge_cache.h"

namespace quintet::faq {

/// Answers conversations about a knowledge base, and notes what was asked for the owner.
class ChatResponder final : public Responder {
 public:
  /// Finds a model by its id; empty = the default one. Throws NotFound naming the models there are.
  using ModelFinder = std::function<std::shared_ptr<ChatModel>(std::string_view id)>;

  ChatResponder(KnowledgeCache& knowledge, const Answerer& answerer, ModelFinder find_model)
      : knowledge_(knowledge), answerer_(answerer), find_model_(std::move(find_model)) {}

  void check_subject(std::string_view kb) const override;
  void check_text(std::string_view text) const override;
  std::string model_id(std::string_view asked) const override;
  Written write(const ConversationStore::Exchange& exchange, std::string_view owner, std::string_view kb,
                const AskedMessage& asked, AnswerFeed& feed, std::stop_token stop) const override;
  void forget(Connection& db, std::string_view message_id) const override;
  JsonObject empty_details() const override;
  std::string_view subject_name() const override { return "Knowledge base"; }
  std::string sources_markdown(const JsonObject& details) const override;

 private:
  KnowledgeCache& knowledge_;
  const Answerer& answerer_;
  ModelFinder find_model_;
};

/// An answer outside a conversation, as the HTTP API and the CLI show it.
JsonObject to_json_object(const Answer& answer);

}  // namespace quintet::faq
