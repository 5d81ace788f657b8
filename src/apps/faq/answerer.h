#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <variant>
#include <vector>

#include "apps/faq/knowledge_cache.h"
#include "llm/chat_model.h"
#include "llm/prompts.h"

namespace quintet::faq {

struct Turn {
  Role role = Role::user;
  std::string text;
};

struct Question {
  std::string text;
  std::vector<Turn> history;  // oldest first
  std::string key_id;
  TraceContext trace;
};

/// A question of the knowledge base that may be meant.
struct NearestQuestion {
  std::string id;
  std::string question;
  double confidence = 0;
};

struct Answer {
  std::string text;
  bool refused = false;
  double confidence = 0;
  std::vector<std::string> entry_ids;  // what the answer comes from; every one exists
  std::vector<NearestQuestion> nearest;
  std::string prompt;     // "faq_answer@1", "" when no prompt was needed
  ChatResponse response;  // usage, cost, latency, model, stop reason
};

struct AnswerDelta {
  std::string text;
};
/// What was shown so far is void: the finished answer did not pass its checks.
struct AnswerReset {
  std::string reason;
};
using AnswerEvent = std::variant<AnswerDelta, AnswerReset, RetryNotice>;
using AnswerSink = std::function<void(const AnswerEvent&)>;

struct AnswererOptions {
  std::int64_t knowledge_budget_tokens = 6000;  // a knowledge base that fits goes into the prompt whole
  std::int64_t history_budget_tokens = 1500;
  int max_output_tokens = 800;
  std::size_t n_nearest = 4;
  std::size_t max_question_bytes = 16 * 1024;
};

/// Answers a question from a knowledge base with any chat model: retrieves, asks, checks. The extractive
/// model quotes the best entry verbatim; a generative one writes from entries that it must cite, and an
/// answer that cites none of them is replaced by a refusal. Const methods may run concurrently.
class Answerer {
 public:
  Answerer(const AnswererOptions& options, const PromptLibrary& prompts)
      : options_(options), prompts_(prompts) {}

  /// Throws InvalidArgument for a question that answer() would not take: empty, oversized.
  void check_question(std::string_view text) const;

  /// Throws what check_question() throws, and whatever ChatModel::chat throws.
  Answer answer(const TrainedKnowledge& knowledge, const Question& question, ChatModel& model,
                const AnswerSink& sink, std::stop_token stop) const;

 private:
  struct Retrieved;
  Retrieved retrieve(const TrainedKnowledge& knowledge, const Question& question) const;
  void ask_generative(const TrainedKnowledge& knowledge, const Question& question, const Retrieved& retrieved,
                      ChatModel& model, const AnswerSink& sink, std::stop_token stop, Answer& answer) const;
  void ask_extractive(const TrainedKnowledge& knowledge, const Question& question, const Retrieved& retrieved,
                      ChatModel& model, const AnswerSink& sink, std::stop_token stop, Answer& answer) const;

  AnswererOptions options_;
  const PromptLibrary& prompts_;
};

}  // namespace quintet::faq
