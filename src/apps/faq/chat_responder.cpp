#include "apps/faq/chat_responder.h"

#include "apps/faq/question_log.h"
#include "core/text.h"

namespace quintet::faq {

namespace {

JsonArray nearest_json(const std::vector<NearestQuestion>& nearest) {
  JsonArray array;
  for (const auto& one : nearest)
    array.push_back(JsonObject{{"id", one.id}, {"question", one.question}, {"confidence", one.confidence}});
  return array;
}

JsonObject details_of(const Answer& answer, JsonArray entries) {
  JsonObject details = response_details(answer.response);
  details["refused"] = answer.refused;
  details["confidence"] = answer.confidence;
  details["entries"] = std::move(entries);
  details["nearest"] = nearest_json(answer.nearest);
  details["prompt"] = answer.prompt.empty() ? Json(nullptr) : Json(answer.prompt);
  return details;
}

}  // namespace

JsonObject to_json_object(const Answer& answer) {
  JsonObject object{{"answer", answer.text}};
  for (auto& member : details_of(answer, to_json_array(answer.entry_ids)))
    object[member.key()] = member.value();
  object.erase("cost_usd");
  return object;
}

void ChatResponder::check_subject(std::string_view kb) const {
  knowledge_.get(kb);
}

void ChatResponder::check_text(std::string_view text) const {
  answerer_.check_question(text);
}

std::string ChatResponder::model_id(std::string_view asked) const {
  return find_model_(asked)->info().id;
}

Responder::Written ChatResponder::write(const ConversationStore::Exchange& exchange, std::string_view owner,
                                        std::string_view kb, const AskedMessage& asked, AnswerFeed& feed,
                                        std::stop_token stop) const {
  const auto knowledge = knowledge_.get(kb);
  Question question;
  question.text = exchange.question.text;
  question.key_id = owner;
  question.trace = asked.trace;
  for (const auto& earlier : exchange.history) {
    if (!earlier.text.empty())
      question.history.push_back({earlier.role == "user" ? Role::user : Role::assistant, earlier.text});
  }
  const Answer answer = answerer_.answer(
      *knowledge, question, *find_model_(asked.model),
      [&](const AnswerEvent& shown) {
        if (const auto* delta = std::get_if<AnswerDelta>(&shown)) feed.delta(delta->text);
        if (const auto* reset = std::get_if<AnswerReset>(&shown)) feed.reset(reset->reason);
        if (const auto* retry = std::get_if<RetryNotice>(&shown)) feed.retry(*retry);
      },
      stop);

  JsonArray entries;
  for (const auto& id : answer.entry_ids) {
    const FaqEntry* entry = knowledge->find(id);
    if (entry != nullptr) entries.push_back(JsonObject{{"id", id}, {"question", entry->question}});
  }
  Written written{
      answer.text, message_status(answer.response.stop_reason), details_of(answer, std::move(entries)), {}};
  if (!answer.response.interruption.empty()) written.details["error"] = answer.response.interruption;
  if (written.status == MessageStatus::complete) {
    written.also_store = [row = AskedQuestion{"", knowledge->kb.id, question.text,
                                              exchange.question.created_at, answer.refused, answer.text,
                                              answer.entry_ids, exchange.answer.id}](Connection& db) {
      QuestionLog::record(db, row);
    };
  }
  return written;
}

void ChatResponder::forget(Connection& db, std::string_view message_id) const {
  db.execute("DELETE FROM faq_question WHERE message_id = ?", message_id);
}

JsonObject ChatResponder::empty_details() const {
  return {{"refused", false},
          {"confidence", 0},
          {"entries", JsonArray{}},
          {"nearest", JsonArray{}},
          {"prompt", nullptr}};
}

std::string ChatResponder::sources_markdown(const JsonObject& details) const {
  const JsonArray* entries = get_array(details, "entries");
  if (entries == nullptr || entries->empty()) return "";
  std::string out = "From the FAQ:\n\n";
  for (const auto& entry : *entries) {
    const JsonObject& object = require_object(entry, "a used entry");
    out += cat("- ", get_string(object, "question").value_or(""), " (`",
               get_string(object, "id").value_or(""), "`)\n");
  }
  return out;
}

}  // namespace quintet::faq
