#include "serving/conversation_routes.h"

#include "core/error.h"
#include "core/text.h"
#include "serving/response_writer.h"

namespace quintet {

namespace {

const std::string& owner_of(const HttpRequest& request) {
  return request.caller.key_id;
}

HttpResponse stream(ConversationServices& services, const std::shared_ptr<AnswerRun>& run,
                    std::size_t next_index) {
  EventStreamBody body;
  body.log = run->events;
  body.stream_id = run->id;
  body.next_index = next_index;
  body.on_closed = [&services, run] { services.chat.reader_left(run); };
  return HttpResponse::events(std::move(body));
}

/// Where to go on, from Last-Event-ID or `?after=`; an id of another attempt starts this one from its
/// beginning.
std::size_t resume_index(const HttpRequest& request, const AnswerRun& run) {
  std::string last;
  if (const auto header = request.headers.get("Last-Event-ID")) last = *header;
  if (const auto after = request.query_value("after"); after && last.empty()) last = *after;
  if (!last.empty() && last.find(':') == std::string::npos)
    throw InvalidArgument("Last-Event-ID is not one that a stream gave");
  return parse_last_event_id(last, run.id).value_or(0);
}

AskedMessage asked_from(const ConversationServices& services, const JsonObject& body,
                        const HttpRequest& request) {
  AskedMessage asked;
  asked.text = get_string(body, "text").value_or("");
  asked.model = get_string(body, "model").value_or("");
  asked.trace = request.trace;
  require_may_use_model(services.find_model, request.caller, asked.model);
  return asked;
}

std::string attachment_name(std::string_view title) {
  const std::string name = slug(title);
  return cat("attachment; filename=\"", name.empty() ? "conversation" : name, ".md\"");
}

using Position = ConversationStore::Position;

std::string cursor_of(const Position& position) {
  return cat(position.updated_at, ".", position.id);
}

std::optional<Position> position_of(const HttpRequest& request) {
  const std::string cursor = request.query_value("cursor").value_or("");
  if (cursor.empty()) return std::nullopt;
  const std::size_t dot = cursor.find('.');
  const auto time = parse_int(std::string_view(cursor).substr(0, dot));
  if (dot == std::string::npos || !time) throw InvalidArgument("cursor is not one that a page gave");
  return Position{*time, cursor.substr(dot + 1)};
}

std::vector<Route> list_routes(ConversationServices& services) {
  return {
      {"GET", "/api/conversations",
       [&services](const HttpRequest& request, std::stop_token) {
         const auto page = services.conversations.list(
             owner_of(request), request.query_value("app").value_or(""),
             request.query_value("kb").value_or(""), request.query_value("query").value_or(""),
             position_of(request), request.query_int("limit", 50, 1, 200));
         JsonArray conversations;
         for (const auto& conversation : page.conversations)
           conversations.push_back(to_json_object(conversation));
         return HttpResponse::json(
             JsonObject{{"conversations", std::move(conversations)},
                        {"next_cursor", page.next ? Json(cursor_of(*page.next)) : Json(nullptr)}});
       }},
      {"POST", "/api/conversations",
       [&services](const HttpRequest& request, std::stop_token) {
         const JsonObject body = request.json_object();
         const std::string app = get_string(body, "app").value_or("faq");
         const std::string kb = require_string(body, "kb");
         services.chat.responder(app).check_subject(kb);
         const auto made = services.conversations.create(owner_of(request), app, kb,
                                                         get_string(body, "title").value_or(""));
         return HttpResponse::json(to_json_object(made), 201);
       }},
      {"GET", "/api/conversations/{id}",
       [&services](const HttpRequest& request, std::stop_token) {
         const std::string& id = request.parameter("id");
         const auto conversation = services.conversations.get(owner_of(request), id);
         const Responder& responder = services.chat.responder(conversation.app);
         JsonArray messages;
         for (const auto& message : services.conversations.messages(owner_of(request), id))
           messages.push_back(to_json_object(message, responder));
         return HttpResponse::json(
             JsonObject{{"conversation", to_json_object(conversation)}, {"messages", std::move(messages)}});
       }},
      {"PATCH", "/api/conversations/{id}",
       [&services](const HttpRequest& request, std::stop_token) {
         return HttpResponse::json(to_json_object(services.conversations.rename(
             owner_of(request), request.parameter("id"), require_string(request.json_object(), "title"))));
       }},
      {"DELETE", "/api/conversations/{id}",
       [&services](const HttpRequest& request, std::stop_token) {
         services.conversations.remove(owner_of(request), request.parameter("id"));
         return HttpResponse::no_content();
       }},
      {"GET", "/api/conversations/{id}/export",
       [&services](const HttpRequest& request, std::stop_token) {
         const std::string& id = request.parameter("id");
         const auto conversation = services.conversations.get(owner_of(request), id);
         auto response = HttpResponse::text(
             to_markdown(conversation, services.conversations.messages(owner_of(request), id),
                         services.chat.responder(conversation.app)),
             "text/markdown; charset=utf-8");
         response.headers.set("Content-Disposition", attachment_name(conversation.title));
         return response;
       }},
  };
}

}  // namespace

std::vector<Route> conversation_routes(ConversationServices& services) {
  std::vector<Route> routes = list_routes(services);
  routes.push_back(
      {"POST", "/api/conversations/{id}/messages", [&services](const HttpRequest& request, std::stop_token) {
         const auto asked = asked_from(services, request.json_object(), request);
         return stream(services, services.chat.ask(owner_of(request), request.parameter("id"), asked), 0);
       }});
  routes.push_back({"POST", "/api/conversations/{id}/messages/{message}/retry",
                    [&services](const HttpRequest& request, std::stop_token) {
                      const JsonObject body = request.body.empty() ? JsonObject{} : request.json_object();
                      return stream(services,
                                    services.chat.retry(owner_of(request), request.parameter("id"),
                                                        request.parameter("message"),
                                                        asked_from(services, body, request)),
                                    0);
                    }});
  routes.push_back({"GET", "/api/conversations/{id}/messages/{message}/events",
                    [&services](const HttpRequest& request, std::stop_token) {
                      const auto run = services.chat.run(owner_of(request), request.parameter("message"));
                      return stream(services, run, resume_index(request, *run));
                    }});
  routes.push_back({"POST", "/api/conversations/{id}/messages/{message}/stop",
                    [&services](const HttpRequest& request, std::stop_token) {
                      services.chat.stop(owner_of(request), request.parameter("message"));
                      return HttpResponse::no_content();
                    }});
  routes.push_back(
      {"PUT", "/api/messages/{message}/rating", [&services](const HttpRequest& request, std::stop_token) {
         const JsonObject body = request.json_object();
         const std::string& id = request.parameter("message");
         services.conversations.message(owner_of(request), id);  // NotFound for another owner's
         const auto name = get_string(body, "rating");
         if (name && *name != "up" && *name != "down")
           throw InvalidArgument("\"rating\" is \"up\", \"down\" or null");
         services.rate(id, name, get_string(body, "comment").value_or(""));
         return HttpResponse::no_content();
       }});
  for (auto& route : routes) route.scope = "chat";
  return routes;
}

}  // namespace quintet
