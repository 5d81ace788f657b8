#include "apps/faq/chat_service.h"

#include "core/error.h"
#include "core/ids.h"
#include "core/log.h"
#include "core/text.h"

namespace quintet::faq {

namespace {

Json or_null(const std::optional<double>& value) {
  return value ? Json(*value) : Json(nullptr);
}

MessageStatus status_of(StopReason reason) {
  switch (reason) {
    case StopReason::cancelled: return MessageStatus::cancelled;
    case StopReason::interrupted: return MessageStatus::interrupted;
    case StopReason::end:
    case StopReason::max_tokens:
    case StopReason::stop_sequence:
    case StopReason::tool_calls:
    case StopReason::refused: return MessageStatus::complete;
  }
  return MessageStatus::complete;
}

JsonObject details_of(const Answer& answer, const TrainedKnowledge& knowledge) {
  JsonArray entries;
  for (const auto& id : answer.entry_ids) {
    const FaqEntry* entry = knowledge.find(id);
    if (entry != nullptr) entries.push_back(JsonObject{{"id", id}, {"question", entry->question}});
  }
  const ChatResponse& response = answer.response;
  JsonObject details{{"refused", answer.refused},
                     {"confidence", answer.confidence},
                     {"entries", std::move(entries)},
                     {"nearest", nearest_json(answer.nearest)},
                     {"model", response.model},
                     {"provider", response.provider},
                     {"prompt", answer.prompt.empty() ? Json(nullptr) : Json(answer.prompt)},
                     {"usage", usage_json(response.usage, response.cost_usd)},
                     {"cost_usd", or_null(response.cost_usd)},
                     {"latency_ms", response.latency_ms},
                     {"first_token_ms", or_null(response.first_token_ms)},
                     {"trace_id", response.trace_id}};
  if (!response.interruption.empty()) details["error"] = response.interruption;
  return details;
}

EventLog::Event event(std::string type, const JsonObject& data) {
  return {std::move(type), to_json(data)};
}

}  // namespace

JsonObject usage_json(const Usage& usage, std::optional<double> cost_usd) {
  return {{"input_tokens", usage.input_tokens},
          {"cached_tokens", usage.cached_tokens},
          {"output_tokens", usage.output_tokens},
          {"cost_usd", or_null(cost_usd)}};
}

JsonArray nearest_json(const std::vector<NearestQuestion>& nearest) {
  JsonArray array;
  for (const auto& one : nearest)
    array.push_back(JsonObject{{"id", one.id}, {"question", one.question}, {"confidence", one.confidence}});
  return array;
}

JsonObject to_json_object(const Answer& answer) {
  const ChatResponse& response = answer.response;
  return {{"answer", answer.text},
          {"refused", answer.refused},
          {"confidence", answer.confidence},
          {"entries", to_json_array(answer.entry_ids)},
          {"nearest", nearest_json(answer.nearest)},
          {"usage", usage_json(response.usage, response.cost_usd)},
          {"model", response.model},
          {"provider", response.provider},
          {"prompt", answer.prompt.empty() ? Json(nullptr) : Json(answer.prompt)},
          {"latency_ms", response.latency_ms},
          {"first_token_ms", or_null(response.first_token_ms)},
          {"trace_id", response.trace_id}};
}

JsonObject to_json_object(const Conversation& conversation) {
  return {{"id", conversation.id},
          {"kb", conversation.kb},
          {"title", conversation.title},
          {"created_at", to_iso8601(conversation.created_at)},
          {"updated_at", to_iso8601(conversation.updated_at)},
          {"n_messages", conversation.n_messages}};
}

JsonObject to_json_object(const ConversationMessage& message) {
  JsonObject object{{"id", message.id},
                    {"role", message.role},
                    {"text", message.text},
                    {"status", message_status_name(message.status)},
                    {"created_at", to_iso8601(message.created_at)}};
  if (message.role != "assistant") return object;
  // An answer that is not finished shows the same members, empty.
  const JsonObject defaults{{"refused", false},
                            {"confidence", 0},
                            {"entries", JsonArray{}},
                            {"nearest", JsonArray{}},
                            {"model", ""},
                            {"provider", ""},
                            {"prompt", nullptr},
                            {"usage", usage_json(Usage{}, std::nullopt)},
                            {"cost_usd", nullptr},
                            {"latency_ms", 0},
                            {"first_token_ms", nullptr},
                            {"trace_id", ""},
                            {"error", nullptr}};
  for (const auto& member : defaults) {
    const Json* known = message.details.if_contains(member.key());
    object[member.key()] = known != nullptr ? *known : member.value();
  }
  object["rating"] = message.rating ? Json(*message.rating) : Json(nullptr);
  return object;
}

ChatService::ChatService(const Options& options, Database& database, ConversationStore& conversations,
                         KnowledgeCache& knowledge, const Answerer& answerer, ModelFinder find_model,
                         WorkerPool& workers, Log& log)
    : options_(options),
      database_(database),
      conversations_(conversations),
      knowledge_(knowledge),
      answerer_(answerer),
      find_model_(std::move(find_model)),
      workers_(workers),
      log_(log),
      sweeper_([this](std::stop_token stop) { sweep(stop); }) {}

ChatService::~ChatService() {
  {
    std::unique_lock lock(mutex_);
    for (auto& [id, held] : runs_) held.run->stop.request_stop();
    changed_.wait(lock, [&] { return n_active_ == 0; });
  }
  sweeper_.request_stop();
  changed_.notify_all();
}

std::shared_ptr<Run> ChatService::ask(std::string_view owner, std::string_view conversation_id,
                                      const Asked& asked) {
  const Conversation conversation = conversations_.get(owner, conversation_id);
  knowledge_.get(conversation.kb);  // throws before anything is stored
  find_model_(asked.model);
  answerer_.check_question(asked.text);
  return start(owner, conversations_.begin_exchange(owner, conversation_id, asked.text), asked,
               conversation.kb);
}

std::shared_ptr<Run> ChatService::retry(std::string_view owner, std::string_view conversation_id,
                                        std::string_view message_id, const Asked& asked) {
  const Conversation conversation = conversations_.get(owner, conversation_id);
  knowledge_.get(conversation.kb);
  find_model_(asked.model);
  return start(owner, conversations_.begin_retry(owner, conversation_id, message_id), asked, conversation.kb);
}

std::shared_ptr<Run> ChatService::start(std::string_view owner, ConversationStore::Exchange exchange,
                                        Asked asked, std::string kb) {
  auto run = std::make_shared<Run>();
  run->id = new_id("s_");
  run->message_id = exchange.answer.id;
  run->conversation_id = exchange.answer.conversation_id;
  run->owner = owner;
  run->events->append(event("start", {{"user_message", to_json_object(exchange.question)},
                                      {"message_id", run->message_id},
                                      {"model", find_model_(asked.model)->info().id}}));
  {
    const std::lock_guard lock(mutex_);
    runs_[run->message_id] = {run, std::nullopt, std::nullopt};
    ++n_active_;
  }
  auto shared_exchange = std::make_shared<ConversationStore::Exchange>(std::move(exchange));
  const bool accepted =
      workers_.submit([this, run, shared_exchange, asked = std::move(asked), kb = std::move(kb)] {
        write_answer(run, *shared_exchange, asked, kb);
        const std::lock_guard lock(mutex_);
        if (const auto held = runs_.find(run->message_id); held != runs_.end())
          held->second.ended_at = std::chrono::steady_clock::now();
        --n_active_;
        changed_.notify_all();
      });
  if (!accepted) {
    {
      const std::lock_guard lock(mutex_);
      runs_.erase(run->message_id);
      --n_active_;
      changed_.notify_all();
    }
    shared_exchange->answer.status = MessageStatus::failed;
    shared_exchange->answer.details = {{"error", "the server is too busy"}};
    database_.write([&](Connection& db) { ConversationStore::finish(db, shared_exchange->answer); });
    throw Unavailable("too many answers are being written; try again in a moment");
  }
  return run;
}

void ChatService::write_answer(const std::shared_ptr<Run>& run, ConversationStore::Exchange& exchange,
                               const Asked& asked, const std::string& kb) {
  ConversationMessage message = exchange.answer;
  std::optional<AskedQuestion> question_row;
  try {
    const auto knowledge = knowledge_.get(kb);
    Question question;
    question.text = exchange.question.text;
    question.key_id = run->owner;
    question.trace = asked.trace;
    for (const auto& earlier : exchange.history) {
      if (!earlier.text.empty())
        question.history.push_back({earlier.role == "user" ? Role::user : Role::assistant, earlier.text});
    }
    const Answer answer = answerer_.answer(
        *knowledge, question, *find_model_(asked.model),
        [&](const AnswerEvent& shown) {
          if (const auto* delta = std::get_if<AnswerDelta>(&shown)) {
            message.text += delta->text;
            run->events->append(event("delta", {{"text", delta->text}}));
          } else if (const auto* reset = std::get_if<AnswerReset>(&shown)) {
            message.text.clear();
            run->events->append(event("reset", {{"reason", reset->reason}}));
          } else if (const auto* retry = std::get_if<RetryNotice>(&shown)) {
            run->events->append(event("retry", {{"attempt", retry->attempt},
                                                {"delay_seconds", retry->delay_seconds},
                                                {"reason", retry->reason}}));
          }
        },
        run->stop.get_token());
    message.text = answer.text;
    message.status = status_of(answer.response.stop_reason);
    message.details = details_of(answer, *knowledge);
    if (message.status == MessageStatus::complete) {
      question_row = AskedQuestion{
          "",          knowledge->kb.id, question.text, exchange.question.created_at, answer.refused,
          answer.text, answer.entry_ids, message.id};
    }
  } catch (const Cancelled&) {
    message.status = MessageStatus::cancelled;
  } catch (const std::exception& error) {
    const auto* known = dynamic_cast<const Error*>(&error);
    const ErrorCode code = known != nullptr ? known->code() : ErrorCode::internal;
    message.status = message.text.empty() ? MessageStatus::failed : MessageStatus::interrupted;
    message.details["error"] = error.what();
    message.details["error_code"] = error_code_name(code);
    log_.warning("an answer failed", {{"code", error_code_name(code)}, {"error", error.what()}});
  }
  finish(run, exchange, message, question_row);
}

void ChatService::finish(const std::shared_ptr<Run>& run, const ConversationStore::Exchange& exchange,
                         const ConversationMessage& message, const std::optional<AskedQuestion>& asked) {
  try {
    database_.write([&](Connection& db) {
      ConversationStore::finish(db, message);
      if (asked) QuestionLog::record(db, *asked);
    });
  } catch (const std::exception& error) {
    log_.error("an answer could not be stored", {{"error", error.what()}});
    run->events->append(event("error", {{"type", "about:blank"},
                                        {"title", "Not stored"},
                                        {"status", 500},
                                        {"code", "unavailable"},
                                        {"detail", cat("the answer could not be stored: ", error.what())}}));
    run->events->close();
    return;
  }
  if (message.status == MessageStatus::failed) {
    const std::string code = get_string(message.details, "error_code").value_or("internal");
    run->events->append(event("error", {{"type", "about:blank"},
                                        {"title", "The model did not answer"},
                                        {"status", 502},
                                        {"code", code},
                                        {"detail", get_string(message.details, "error").value_or("")},
                                        {"message", to_json_object(message)}}));
  } else {
    JsonObject data{{"message", to_json_object(message)}};
    try {
      data["conversation"] = to_json_object(conversations_.get(run->owner, exchange.answer.conversation_id));
    } catch (const NotFound&) {
      data["conversation"] = nullptr;  // deleted while the answer was written
    }
    run->events->append(event("done", data));
  }
  run->events->close();
}

std::shared_ptr<Run> ChatService::run(std::string_view owner, std::string_view message_id) {
  const std::lock_guard lock(mutex_);
  const auto held = runs_.find(std::string(message_id));
  if (held == runs_.end() || held->second.run->owner != owner)
    throw NotFound("this answer's events are no longer held; read the conversation instead");
  held->second.unread_since.reset();
  return held->second.run;
}

void ChatService::stop(std::string_view owner, std::string_view message_id) {
  run(owner, message_id)->stop.request_stop();
}

void ChatService::reader_left(const std::shared_ptr<Run>& run) {
  const std::lock_guard lock(mutex_);
  const auto held = runs_.find(run->message_id);
  if (held != runs_.end()) held->second.unread_since = std::chrono::steady_clock::now();
}

std::size_t ChatService::n_active() const {
  const std::lock_guard lock(mutex_);
  return n_active_;
}

void ChatService::sweep(std::stop_token stop) {
  std::unique_lock lock(mutex_);
  const auto period = std::min<std::chrono::milliseconds>(
      std::chrono::seconds(1), std::min(options_.abandon_after, options_.forget_after) / 2);
  while (!changed_.wait_for(lock, stop, period, [&] { return stop.stop_requested(); })) {
    const auto now = std::chrono::steady_clock::now();
    for (auto held = runs_.begin(); held != runs_.end();) {
      Held& one = held->second;
      // Another browser may still be reading when one of two has left.
      if (one.unread_since && one.run->events->n_subscribers() == 0 &&
          now - *one.unread_since > options_.abandon_after)
        one.run->stop.request_stop();
      if (one.ended_at && now - *one.ended_at > options_.forget_after) {
        held = runs_.erase(held);
      } else {
        ++held;
      }
    }
  }
}

}  // namespace quintet::faq
