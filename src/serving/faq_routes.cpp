#include "serving/faq_routes.h"

#include <algorithm>
#include <array>
#include <limits>

#include "apps/faq/chat_responder.h"
#include "apps/faq/import.h"
#include "core/error.h"
#include "core/text.h"

namespace quintet {

namespace {

using faq::FaqEntry;
using faq::StoredEntry;

std::string actor_of(const HttpRequest& request) {
  return request.caller.key_id.empty() ? "owner" : request.caller.key_id;
}

JsonObject entry_json(const StoredEntry& stored, std::int64_t n_uses) {
  JsonObject object = faq::to_json_object(stored.entry);
  object["revision"] = stored.revision;
  object["updated_at"] = to_iso8601(stored.updated_at);
  object["updated_by"] = stored.updated_by;
  object["n_uses"] = n_uses;
  return object;
}

/// Entries with how often each was used.
class EntryWriter {
 public:
  EntryWriter(FaqServices& services, std::int64_t kb_id) {
    for (const auto& use : services.questions.entry_uses(kb_id))
      if (use.n_uses > 0) n_uses_.emplace(use.entry_id, use.n_uses);
  }
  JsonObject operator()(const StoredEntry& stored) const {
    const auto found = n_uses_.find(stored.entry.id);
    return entry_json(stored, found == n_uses_.end() ? 0 : found->second);
  }

 private:
  std::map<std::string, std::int64_t> n_uses_;
};

JsonObject kb_json(FaqServices& services, const faq::KnowledgeBase& kb) {
  constexpr std::size_t kSuggestions = 6;
  const auto trained = services.cache.get(kb.name);
  std::size_t n_alternatives = 0;
  std::vector<std::string> languages;
  for (const auto& entry : trained->entries) {
    n_alternatives += entry.alternatives.size();
    if (!entry.language.empty() &&
        std::find(languages.begin(), languages.end(), entry.language) == languages.end())
      languages.push_back(entry.language);
  }
  std::vector<std::string> most_used;
  for (const auto& use : services.questions.entry_uses(kb.id)) {
    if (use.n_uses == 0 || most_used.size() == kSuggestions) break;
    most_used.push_back(use.entry_id);
  }
  return {{"name", kb.name},
          {"title", kb.title},
          {"description", kb.description},
          {"n_entries", trained->entries.size()},
          {"n_alternatives", n_alternatives},
          {"languages", to_json_array(languages)},
          {"revision", kb.revision},
          {"updated_at", to_iso8601(kb.updated_at)},
          {"suggested", to_json_array(faq::suggested_questions(*trained, most_used, kSuggestions))}};
}

FaqEntry entry_of(const JsonObject& body) {
  FaqEntry entry = faq::entry_from_json(body);
  entry.question = trim(entry.question);
  entry.answer = faq::trim_answer(entry.answer);  // as import does, so that an export reads back unchanged
  return entry;
}

/// With what the editor has not seen.
HttpError edit_conflict(FaqServices& services, std::int64_t kb_id, const faq::EditConflict& conflict) {
  JsonObject extra;
  extra["current"] =
      conflict.current() ? Json(EntryWriter(services, kb_id)(*conflict.current())) : Json(nullptr);
  return HttpError(409, ErrorCode::conflict, conflict.what(), std::move(extra));
}

JsonArray problems_json(const std::vector<faq::ImportProblem>& problems) {
  constexpr std::size_t kMaxShown = 200;
  JsonArray array;
  for (const auto& problem : problems) {
    if (array.size() == kMaxShown) break;
    array.push_back(JsonObject{{"line", problem.line},
                               {"column", problem.column},
                               {"severity", problem.severity == faq::Severity::error ? "error" : "warning"},
                               {"message", problem.message}});
  }
  return array;
}

HttpResponse import_file(FaqServices& services, const HttpRequest& request) {
  const std::string& kb = request.parameter("kb");
  const std::string filename = request.query_value("filename").value_or("");
  const auto named = faq::requested_format(request.query_value("format").value_or("auto"));
  const std::string mode = request.query_value("mode").value_or("preview");
  if (mode != "preview" && mode != "merge" && mode != "replace")
    throw InvalidArgument("mode must be preview, merge or replace");
  const bool skip_bad = request.query_value("skip_bad") == "true";

  faq::ImportResult result =
      faq::import_entries(request.body, named ? *named : faq::detect_format(filename, request.body));
  const std::size_t n_read = result.entries.size();
  JsonArray sample;
  for (std::size_t i = 0; i < std::min<std::size_t>(5, n_read); ++i) {
    sample.push_back(JsonObject{{"question", result.entries[i].question},
                                {"answer", truncate_utf8(result.entries[i].answer, 2000)}});
  }
  const bool refused = result.has_errors() && !skip_bad;
  const bool commit = mode != "preview" && !refused && n_read > 0;
  const auto counts = services.knowledge.import(
      kb, std::move(result.entries), mode == "replace" ? faq::ImportMode::replace : faq::ImportMode::merge,
      actor_of(request), filename.empty() ? "a file" : filename, !commit);
  if (commit) services.cache.refresh(kb);
  JsonObject report{{"format", faq::format_name(result.format)},
                    {"n_read", n_read},
                    {"n_new", counts.n_new},
                    {"n_changed", counts.n_changed},
                    {"n_unchanged", counts.n_unchanged},
                    {"n_removed", counts.n_removed},
                    {"n_duplicates", result.n_duplicates},
                    {"n_problems", result.problems.size()},
                    {"problems", problems_json(result.problems)},
                    {"sample", std::move(sample)},
                    {"committed", commit},
                    {"change_id", counts.change_id ? Json(*counts.change_id) : Json(nullptr)}};
  if (mode != "preview" && !commit) {
    const std::string detail =
        n_read == 0 ? "the file holds no question with an answer; nothing was imported"
                    : cat("the file has problems, so nothing was imported; mend them, or import the ", n_read,
                          " valid entries with skip_bad=true");
    throw HttpError(422, ErrorCode::invalid_argument, detail, {{"report", std::move(report)}});
  }
  return HttpResponse::json(report);
}

HttpResponse export_file(FaqServices& services, const HttpRequest& request) {
  const std::string& kb = request.parameter("kb");
  const std::string name = request.query_value("format").value_or("json");
  const auto format = faq::parse_format(name);
  if (!format) throw InvalidArgument("format must be json, jsonl, csv or markdown");
  const auto snapshot = services.knowledge.snapshot(kb);
  struct Kind {
    std::string_view type, extension;
  };
  const Kind kind = *format == faq::FaqFormat::json    ? Kind{"application/json", "json"}
                    : *format == faq::FaqFormat::jsonl ? Kind{"application/jsonl", "jsonl"}
                    : *format == faq::FaqFormat::csv   ? Kind{"text/csv; charset=utf-8", "csv"}
                                                       : Kind{"text/markdown; charset=utf-8", "md"};
  auto response = HttpResponse::text(faq::export_entries(snapshot.entries, *format), std::string(kind.type));
  response.headers.set("Content-Disposition", cat("attachment; filename=\"", kb, ".", kind.extension, "\""));
  return response;
}

JsonObject change_json(const faq::Change& change) {
  JsonArray entries;
  for (const auto& entry : change.entries) {
    entries.push_back(
        JsonObject{{"id", entry.entry_id},
                   {"before", entry.before ? Json(faq::to_json_object(*entry.before)) : Json(nullptr)},
                   {"after", entry.after ? Json(faq::to_json_object(*entry.after)) : Json(nullptr)}});
  }
  return {{"id", change.id},         {"time", to_iso8601(change.time)}, {"actor", change.actor},
          {"kind", change.kind},     {"summary", change.summary},       {"n_entries", change.n_entries},
          {"undone", change.undone}, {"entries", std::move(entries)}};
}

/// What the model's provider refuses is no fault of the caller's: 401 would say that the caller's key is
/// wrong.
faq::Answer answer_at_once(FaqServices& services, const faq::TrainedKnowledge& knowledge,
                           const faq::Question& question, ChatModel& model, std::stop_token stop) {
  services.answerer.check_question(question.text);
  try {
    return services.answerer.answer(knowledge, question, model, [](const faq::AnswerEvent&) {}, stop);
  } catch (const Error& error) {
    switch (error.code()) {
      case ErrorCode::exhausted: throw HttpError(503, error.code(), error.what());
      case ErrorCode::invalid_argument:
      case ErrorCode::not_found:
      case ErrorCode::conflict:
      case ErrorCode::unsupported:
      case ErrorCode::corrupt_data:
      case ErrorCode::unauthorized:
      case ErrorCode::forbidden: throw HttpError(502, error.code(), error.what());
      case ErrorCode::cancelled:
      case ErrorCode::unavailable:
      case ErrorCode::internal: throw;
    }
    throw;
  }
}

HttpResponse ask(FaqServices& services, const HttpRequest& request, std::stop_token stop) {
  const JsonObject body = request.json_object();
  faq::Question question;
  question.text = require_string(body, "question");
  question.key_id = request.caller.key_id;
  question.trace = request.trace;
  if (const JsonArray* history = get_array(body, "history")) {
    for (const auto& turn : *history) {
      const JsonObject& object = require_object(turn, "a turn of \"history\"");
      const std::string role = require_string(object, "role");
      if (role != "user" && role != "assistant")
        throw InvalidArgument("a turn's \"role\" is user or assistant");
      question.history.push_back(
          {role == "user" ? Role::user : Role::assistant, require_string(object, "text")});
    }
  }
  const auto knowledge = services.cache.get(request.parameter("kb"));
  const std::string model_id = get_string(body, "model").value_or("");
  require_may_use_model(services.find_model, request.caller, model_id);
  const auto model = services.find_model(model_id);
  const TimestampMs asked_at = now_ms();
  const faq::Answer answer = answer_at_once(services, *knowledge, question, *model, stop);
  services.questions.record_later(
      {"", knowledge->kb.id, question.text, asked_at, answer.refused, answer.text, answer.entry_ids, ""});
  return HttpResponse::json(faq::to_json_object(answer));
}

HttpResponse inbox(FaqServices& services, const HttpRequest& request) {
  const auto knowledge = services.cache.get(request.parameter("kb"));
  JsonArray clusters;
  std::size_t total = 0;
  for (const auto& cluster : faq::cluster_questions(services.questions.open_questions(knowledge->kb.id))) {
    JsonArray questions;
    std::vector<std::string> reasons;
    for (const auto& question : cluster.questions) {
      if (std::find(reasons.begin(), reasons.end(), question.reason) == reasons.end())
        reasons.push_back(question.reason);
      questions.push_back(
          JsonObject{{"id", question.id},
                     {"text", question.text},
                     {"asked_at", to_iso8601(question.asked_at)},
                     {"reason", question.reason},
                     {"answer", question.answer.empty() ? Json(nullptr) : Json(question.answer)},
                     {"count", question.count}});
    }
    total += cluster.questions.size();
    const auto& title = cluster.questions.front();
    const auto matches = knowledge->matcher->match(title.text, 1);
    Json nearest(nullptr);
    if (!matches.ranked.empty()) {
      const FaqEntry& entry = knowledge->entries[matches.ranked.front().entry];
      nearest = JsonObject{{"id", entry.id}, {"question", entry.question}};
    }
    clusters.push_back(JsonObject{{"id", title.id},
                                  {"title", title.text},
                                  {"n", cluster.n_asked()},
                                  {"reasons", to_json_array(reasons)},
                                  {"last_asked", to_iso8601(cluster.last_asked())},
                                  {"nearest", std::move(nearest)},
                                  {"questions", std::move(questions)}});
  }
  return HttpResponse::json(JsonObject{{"clusters", std::move(clusters)}, {"total", total}});
}

/// "Add these wordings to that entry": the entry answers them from now on.
HttpResponse assign_inbox(FaqServices& services, const HttpRequest& request) {
  const std::string& kb_name = request.parameter("kb");
  const JsonObject body = request.json_object();
  const auto ids = get_strings(body, "ids");
  const auto kb = services.knowledge.get(kb_name);
  StoredEntry stored = services.knowledge.entry(kb_name, require_string(body, "entry_id"));
  for (auto& text : services.questions.texts(kb.id, ids)) {
    const bool known = text == stored.entry.question ||
                       std::find(stored.entry.alternatives.begin(), stored.entry.alternatives.end(), text) !=
                           stored.entry.alternatives.end();
    if (!known) stored.entry.alternatives.push_back(std::move(text));
  }
  stored = services.knowledge.update(kb_name, stored.entry, stored.revision, actor_of(request));
  services.questions.resolve(kb.id, ids);
  services.cache.refresh(kb_name);
  return HttpResponse::json(EntryWriter(services, kb.id)(stored));
}

HttpResponse stats(FaqServices& services, const HttpRequest& request) {
  const auto kb = services.knowledge.get(request.parameter("kb"));
  const auto found =
      services.questions.stats(kb.id, static_cast<int>(request.query_int("days", 30, 1, 3650)));
  JsonArray days;
  for (const auto& day : found.days)
    days.push_back(JsonObject{{"date", day.date}, {"answered", day.n_answered}, {"refused", day.n_refused}});
  JsonArray entries;
  for (const auto& use : found.entries) {
    entries.push_back(
        JsonObject{{"id", use.entry_id},
                   {"question", use.question},
                   {"n_uses", use.n_uses},
                   {"n_up", use.n_up},
                   {"n_down", use.n_down},
                   {"last_used", use.last_used ? Json(to_iso8601(*use.last_used)) : Json(nullptr)}});
  }
  return HttpResponse::json(JsonObject{{"n_questions", found.n_answered + found.n_refused},
                                       {"n_answered", found.n_answered},
                                       {"n_refused", found.n_refused},
                                       {"n_up", found.n_up},
                                       {"n_down", found.n_down},
                                       {"per_day", std::move(days)},
                                       {"entries", std::move(entries)}});
}

Json next_cursor(std::optional<std::int64_t> next) {
  return next ? Json(cat(*next)) : Json(nullptr);
}

std::int64_t cursor_of(const HttpRequest& request) {
  return request.query_int("cursor", 0, 0, std::numeric_limits<std::int64_t>::max());
}

std::vector<Route> entry_routes(FaqServices& services) {
  return {
      {"GET", "/api/faq/kbs/{kb}/entries",
       [&services](const HttpRequest& request, std::stop_token) {
         const std::string& name = request.parameter("kb");
         const auto page = services.knowledge.entries(
             name, request.query_value("query").value_or(""), request.query_value("tag").value_or(""),
             cursor_of(request), request.query_int("limit", 50, 1, 500));
         const EntryWriter write(services, services.knowledge.get(name).id);
         JsonArray entries;
         for (const auto& stored : page.entries) entries.push_back(write(stored));
         return HttpResponse::json(JsonObject{{"entries", std::move(entries)},
                                              {"next_cursor", next_cursor(page.next)},
                                              {"total", page.total}});
       }},
      {"POST", "/api/faq/kbs/{kb}/entries",
       [&services](const HttpRequest& request, std::stop_token) {
         const std::string& name = request.parameter("kb");
         const JsonObject body = request.json_object();
         const auto inbox_ids = get_strings(body, "inbox_ids");
         const auto kb = services.knowledge.get(name);
         services.questions.texts(kb.id, inbox_ids);  // NotFound before anything is written
         const auto stored = services.knowledge.add(name, entry_of(body), actor_of(request));
         services.questions.resolve(kb.id, inbox_ids);
         services.cache.refresh(name);
         auto response = HttpResponse::json(entry_json(stored, 0), 201);
         response.headers.set("Location",
                              cat("/api/faq/kbs/", name, "/entries/", percent_encode(stored.entry.id)));
         return response;
       }},
      {"GET", "/api/faq/kbs/{kb}/entries/{id}",
       [&services](const HttpRequest& request, std::stop_token) {
         const std::string& name = request.parameter("kb");
         const auto stored = services.knowledge.entry(name, request.parameter("id"));
         return HttpResponse::json(EntryWriter(services, services.knowledge.get(name).id)(stored));
       }},
      {"PUT", "/api/faq/kbs/{kb}/entries/{id}",
       [&services](const HttpRequest& request, std::stop_token) {
         const std::string& name = request.parameter("kb");
         const JsonObject body = request.json_object();
         const auto kb = services.knowledge.get(name);
         FaqEntry entry = entry_of(body);
         entry.id = request.parameter("id");
         const auto revision = get_int(body, "revision");
         if (!revision) throw InvalidArgument("\"revision\" is missing: send the one that you read");
         const auto inbox_ids = get_strings(body, "inbox_ids");
         services.questions.texts(kb.id, inbox_ids);
         try {
           const auto stored =
               services.knowledge.update(name, std::move(entry), *revision, actor_of(request));
           services.questions.resolve(kb.id, inbox_ids);
           services.cache.refresh(name);
           return HttpResponse::json(EntryWriter(services, kb.id)(stored));
         } catch (const faq::EditConflict& conflict) {
           throw edit_conflict(services, kb.id, conflict);
         }
       }},
      {"DELETE", "/api/faq/kbs/{kb}/entries/{id}",
       [&services](const HttpRequest& request, std::stop_token) {
         const std::string& name = request.parameter("kb");
         if (!request.query_value("revision"))
           throw InvalidArgument("\"revision\" is missing: send the one that you read");
         const auto kb = services.knowledge.get(name);
         try {
           services.knowledge.remove_entry(
               name, request.parameter("id"),
               request.query_int("revision", 0, 0, std::numeric_limits<std::int64_t>::max()),
               actor_of(request));
         } catch (const faq::EditConflict& conflict) {
           throw edit_conflict(services, kb.id, conflict);
         }
         services.cache.refresh(name);
         return HttpResponse::no_content();
       }},
  };
}

std::vector<Route> knowledge_base_routes(FaqServices& services) {
  return {
      {"GET", "/api/faq/kbs",
       [&services](const HttpRequest&, std::stop_token) {
         JsonArray kbs;
         for (const auto& kb : services.knowledge.list()) kbs.push_back(kb_json(services, kb));
         return HttpResponse::json(JsonObject{{"kbs", std::move(kbs)}});
       }},
      {"POST", "/api/faq/kbs",
       [&services](const HttpRequest& request, std::stop_token) {
         const JsonObject body = request.json_object();
         const auto kb =
             services.knowledge.create(require_string(body, "name"), get_string(body, "title").value_or(""),
                                       get_string(body, "description").value_or(""));
         return HttpResponse::json(kb_json(services, kb), 201);
       }},
      {"GET", "/api/faq/kbs/{kb}",
       [&services](const HttpRequest& request, std::stop_token) {
         return HttpResponse::json(kb_json(services, services.knowledge.get(request.parameter("kb"))));
       }},
      {"PATCH", "/api/faq/kbs/{kb}",
       [&services](const HttpRequest& request, std::stop_token) {
         const JsonObject body = request.json_object();
         const auto kb = services.knowledge.rename(request.parameter("kb"), get_string(body, "title"),
                                                   get_string(body, "description"));
         return HttpResponse::json(kb_json(services, kb));
       }},
      {"DELETE", "/api/faq/kbs/{kb}",
       [&services](const HttpRequest& request, std::stop_token) {
         services.knowledge.remove(request.parameter("kb"));
         services.cache.refresh(request.parameter("kb"));
         return HttpResponse::no_content();
       }},
      {"GET", "/api/faq/kbs/{kb}/history",
       [&services](const HttpRequest& request, std::stop_token) {
         std::optional<std::int64_t> before;
         if (request.query_value("cursor")) before = cursor_of(request);
         const auto page = services.knowledge.history(request.parameter("kb"), before,
                                                      request.query_int("limit", 30, 1, 200));
         JsonArray changes;
         for (const auto& change : page.changes) changes.push_back(change_json(change));
         return HttpResponse::json(
             JsonObject{{"changes", std::move(changes)}, {"next_cursor", next_cursor(page.next)}});
       }},
      {"POST", "/api/faq/kbs/{kb}/history/{change}/undo",
       [&services](const HttpRequest& request, std::stop_token) {
         const std::string& name = request.parameter("kb");
         const auto change = parse_int(request.parameter("change"));
         if (!change) throw NotFound("a change's id is a number");
         const auto undo_id = services.knowledge.undo(name, *change, actor_of(request));
         services.cache.refresh(name);
         return HttpResponse::json(JsonObject{{"change_id", undo_id}});
       }},
      {"GET", "/api/faq/kbs/{kb}/export",
       [&services](const HttpRequest& request, std::stop_token) { return export_file(services, request); }},
  };
}

/// What somebody who only chats needs to read.
bool is_for_chat(const Route& route) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 4> kForChat = {{
      {"GET", "/api/faq/kbs"},
      {"GET", "/api/faq/kbs/{kb}"},
      {"GET", "/api/faq/kbs/{kb}/entries/{id}"},
      {"POST", "/api/faq/kbs/{kb}/ask"},
  }};
  return std::find(kForChat.begin(), kForChat.end(),
                   std::pair<std::string_view, std::string_view>(route.method, route.pattern)) !=
         kForChat.end();
}

}  // namespace

std::vector<Route> faq_routes(FaqServices& services) {
  std::vector<Route> routes = knowledge_base_routes(services);
  for (auto& route : entry_routes(services)) routes.push_back(std::move(route));
  Route import{"POST", "/api/faq/kbs/{kb}/import", [&services](const HttpRequest& request, std::stop_token) {
                 return import_file(services, request);
               }};
  import.max_body_bytes = services.max_upload_bytes;
  routes.push_back(std::move(import));
  routes.push_back(
      {"POST", "/api/faq/kbs/{kb}/ask", [&services](const HttpRequest& request, std::stop_token stop) {
         return ask(services, request, stop);
       }});
  routes.push_back(
      {"GET", "/api/faq/kbs/{kb}/inbox",
       [&services](const HttpRequest& request, std::stop_token) { return inbox(services, request); }});
  routes.push_back(
      {"POST", "/api/faq/kbs/{kb}/inbox/dismiss", [&services](const HttpRequest& request, std::stop_token) {
         const auto kb = services.knowledge.get(request.parameter("kb"));
         services.questions.dismiss(kb.id, get_strings(request.json_object(), "ids"));
         return HttpResponse::no_content();
       }});
  routes.push_back(
      {"POST", "/api/faq/kbs/{kb}/inbox/assign",
       [&services](const HttpRequest& request, std::stop_token) { return assign_inbox(services, request); }});
  routes.push_back(
      {"GET", "/api/faq/kbs/{kb}/stats",
       [&services](const HttpRequest& request, std::stop_token) { return stats(services, request); }});
  for (auto& route : routes)
    if (is_for_chat(route)) route.scope = "chat";
  return routes;
}

}  // namespace quintet
