#include "apps/chat/chat_service.h"

#include <algorithm>

#include "core/error.h"
#include "core/ids.h"
#include "core/log.h"
#include "core/text.h"

namespace quintet {

namespace {

EventLog::Event event(std::string type, const JsonObject& data) {
  return {std::move(type), to_json(data)};
}

}  // namespace

/// One answer to write.
struct ChatService::Work {
  std::shared_ptr<AnswerRun> run;
  ConversationStore::Exchange exchange;
  std::string kb;
  AskedMessage asked;
  const Responder* responder = nullptr;
};

JsonObject to_json_object(const Conversation& conversation) {
  return {{"id", conversation.id},
          {"app", conversation.app},
          {"kb", conversation.kb},
          {"title", conversation.title},
          {"created_at", to_iso8601(conversation.created_at)},
          {"updated_at", to_iso8601(conversation.updated_at)},
          {"n_messages", conversation.n_messages}};
}

JsonObject to_json_object(const ConversationMessage& message, const Responder& responder) {
  JsonObject object{{"id", message.id},
                    {"role", message.role},
                    {"text", message.text},
                    {"status", message_status_name(message.status)},
                    {"created_at", to_iso8601(message.created_at)}};
  if (message.role != "assistant") return object;
  // An answer that is not finished shows the same members, empty.
  JsonObject details = response_details(ChatResponse{});
  details["error"] = nullptr;
  for (const auto& member : responder.empty_details()) details[member.key()] = member.value();
  for (const auto& member : details) {
    const Json* known = message.details.if_contains(member.key());
    object[member.key()] = known != nullptr ? *known : member.value();
  }
  object["rating"] = message.rating ? Json(*message.rating) : Json(nullptr);
  return object;
}

std::string to_markdown(const Conversation& conversation, const std::vector<ConversationMessage>& messages,
                        const Responder& responder) {
  std::string out = cat("# ", conversation.title.empty() ? "Conversation" : conversation.title, "\n\n");
  out +=
      cat(responder.subject_name(), ": ", conversation.kb, " · ", to_iso8601(conversation.created_at), "\n");
  for (const auto& message : messages) {
    out += cat("\n## ", message.role == "user" ? "Question" : "Answer", "\n\n", message.text, "\n");
    if (message.status != MessageStatus::complete)
      out += cat("\n*(", message_status_name(message.status), ")*\n");
    if (const std::string sources = responder.sources_markdown(message.details); !sources.empty())
      out += cat("\n", sources);
  }
  return out;
}

ChatService::ChatService(const Options& options, Database& database, ConversationStore& conversations,
                         Responders responders, WorkerPool& workers, Log& log)
    : options_(options),
      database_(database),
      conversations_(conversations),
      responders_(std::move(responders)),
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

const Responder& ChatService::responder(std::string_view app) const {
  const auto found = responders_.find(app);
  if (found != responders_.end()) return *found->second;
  std::vector<std::string> names;
  for (const auto& [name, known] : responders_) names.push_back(name);
  throw NotFound(cat("no application is called \"", truncate_utf8(sanitize_utf8(app), 80), "\"; there are ",
                     join(names, ", ")));
}

std::shared_ptr<AnswerRun> ChatService::ask(std::string_view owner, std::string_view conversation_id,
                                            const AskedMessage& asked) {
  const Conversation conversation = conversations_.get(owner, conversation_id);
  const Responder& who = responder(conversation.app);
  who.check_subject(conversation.kb);
  who.model_id(asked.model);
  who.check_text(asked.text);
  return start(conversation, conversations_.begin_exchange(owner, conversation_id, asked.text), asked);
}

std::shared_ptr<AnswerRun> ChatService::retry(std::string_view owner, std::string_view conversation_id,
                                              std::string_view message_id, const AskedMessage& asked) {
  const Conversation conversation = conversations_.get(owner, conversation_id);
  const Responder& who = responder(conversation.app);
  who.check_subject(conversation.kb);
  who.model_id(asked.model);
  return start(conversation,
               conversations_.begin_retry(owner, conversation_id, message_id,
                                          [&](Connection& db) { who.forget(db, message_id); }),
               asked);
}

std::shared_ptr<AnswerRun> ChatService::start(const Conversation& conversation,
                                              ConversationStore::Exchange exchange, AskedMessage asked) {
  auto work = std::make_shared<Work>();
  work->run = std::make_shared<AnswerRun>();
  work->exchange = std::move(exchange);
  work->kb = conversation.kb;
  work->asked = std::move(asked);
  work->responder = &responder(conversation.app);
  const std::shared_ptr<AnswerRun> run = work->run;
  run->id = new_id("s_");
  run->message_id = work->exchange.answer.id;
  run->conversation_id = conversation.id;
  run->owner = conversation.owner;
  run->events->append(
      event("start", {{"user_message", to_json_object(work->exchange.question, *work->responder)},
                      {"message_id", run->message_id},
                      {"model", work->responder->model_id(work->asked.model)}}));
  {
    const std::lock_guard lock(mutex_);
    runs_[run->message_id] = {run, std::nullopt, std::nullopt};
    ++n_active_;
  }
  const bool accepted = workers_.submit([this, work] {
    write_answer(*work);
    const std::lock_guard lock(mutex_);
    if (const auto held = runs_.find(work->run->message_id); held != runs_.end())
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
    ConversationMessage& answer = work->exchange.answer;
    answer.status = MessageStatus::failed;
    answer.details = {{"error", "the server is too busy"}};
    database_.write([&](Connection& db) { ConversationStore::finish(db, answer); });
    throw Unavailable("too many answers are being written; try again in a moment");
  }
  return run;
}

void ChatService::write_answer(const Work& work) {
  ConversationMessage message = work.exchange.answer;
  Responder::Written written;
  try {
    AnswerFeed feed(*work.run->events, message.text);
    written = work.responder->write(work.exchange, work.run->owner, work.kb, work.asked, feed,
                                    work.run->stop.get_token());
    message.text = written.text;
    message.status = written.status;
    message.details = std::move(written.details);
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
  finish(work, message, written);
}

void ChatService::finish(const Work& work, const ConversationMessage& message,
                         const Responder::Written& written) {
  EventLog& events = *work.run->events;
  try {
    database_.write([&](Connection& db) {
      ConversationStore::finish(db, message);
      if (written.also_store) written.also_store(db);
    });
  } catch (const std::exception& error) {
    log_.error("an answer could not be stored", {{"error", error.what()}});
    events.append(event("error", {{"type", "about:blank"},
                                  {"title", "Not stored"},
                                  {"status", 500},
                                  {"code", "unavailable"},
                                  {"detail", cat("the answer could not be stored: ", error.what())}}));
    events.close();
    return;
  }
  if (message.status == MessageStatus::failed) {
    const std::string code = get_string(message.details, "error_code").value_or("internal");
    events.append(event("error", {{"type", "about:blank"},
                                  {"title", "The model did not answer"},
                                  {"status", 502},
                                  {"code", code},
                                  {"detail", get_string(message.details, "error").value_or("")},
                                  {"message", to_json_object(message, *work.responder)}}));
  } else {
    JsonObject data{{"message", to_json_object(message, *work.responder)}};
    try {
      data["conversation"] = to_json_object(conversations_.get(work.run->owner, message.conversation_id));
    } catch (const NotFound&) {
      data["conversation"] = nullptr;  // deleted while the answer was written
    }
    events.append(event("done", data));
  }
  events.close();
}

std::shared_ptr<AnswerRun> ChatService::run(std::string_view owner, std::string_view message_id) {
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

void ChatService::reader_left(const std::shared_ptr<AnswerRun>& run) {
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

}  // namespace quintet
