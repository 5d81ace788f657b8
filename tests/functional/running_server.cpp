#include "running_server.h"

#include <stdexcept>

#include "core/text.h"

namespace quintet::functional {

RunningServer::RunningServer(std::vector<std::string> arguments, std::string_view script) {
  if (!script.empty()) {
    folder_.write("script.json", script);
    arguments.insert(arguments.end(),
                     {"--set", "model.script=script.json", "--set", "model.default=extractive"});
  }
  restart(std::move(arguments));
}

void RunningServer::restart(std::vector<std::string> arguments) {
  client_.reset();
  if (process_) process_->stop();
  process_ = std::make_unique<ServerProcess>(folder_.path(), std::move(arguments));
  client_ = std::make_unique<TestClient>(process_->port());
}

void RunningServer::make_kb(std::string_view name) {
  expect_json(client_->post("/api/faq/kbs", {{"name", name}}), 201);
}

std::string RunningServer::add_entry(std::string_view kb, std::string_view question, std::string_view answer,
                                     const std::vector<std::string>& alternatives) {
  return text_of(expect_json(client_->post(cat("/api/faq/kbs/", kb, "/entries"),
                                           {{"question", question},
                                            {"answer", answer},
                                            {"alternatives", to_json_array(alternatives)}}),
                             201),
                 "id");
}

JsonObject RunningServer::ask(std::string_view kb, std::string_view question, std::string_view model) {
  JsonObject body{{"question", question}};
  if (!model.empty()) body["model"] = model;
  return expect_json(client_->post(cat("/api/faq/kbs/", kb, "/ask"), body));
}

std::string RunningServer::begin_conversation(std::string_view kb) {
  return text_of(expect_json(client_->post("/api/conversations", {{"kb", kb}}), 201), "id");
}

EventStream RunningServer::send_message(std::string_view conversation, std::string_view text,
                                        std::string_view model) {
  JsonObject body{{"text", text}};
  if (!model.empty()) body["model"] = model;
  auto events = client_->events("POST", cat("/api/conversations/", conversation, "/messages"), to_json(body));
  if (events.head().status != 200)
    throw std::runtime_error(cat(events.head().status, ": ", events.head().body));
  return events;
}

JsonObject expect_json(const Response& response, int status) {
  if (response.status != status)
    throw std::runtime_error(cat("status ", response.status, ", not ", status, ": ", response.body));
  return response.json();
}

JsonObject expect_problem(const Response& response, int status) {
  if (response.header("Content-Type") != "application/problem+json")
    throw std::runtime_error(cat("no problem: ", response.status, " ", response.body));
  return expect_json(response, status);
}

std::string text_of(const JsonObject& object, std::string_view key) {
  return require_string(object, key);
}

std::int64_t int_of(const JsonObject& object, std::string_view key) {
  const auto value = get_int(object, key);
  if (!value) throw std::runtime_error(cat("no \"", key, "\""));
  return *value;
}

bool bool_of(const JsonObject& object, std::string_view key) {
  const auto value = get_bool(object, key);
  if (!value) throw std::runtime_error(cat("no \"", key, "\""));
  return *value;
}

const JsonArray& array_of(const JsonObject& object, std::string_view key) {
  const auto* value = get_array(object, key);
  if (value == nullptr) throw std::runtime_error(cat("no \"", key, "\""));
  return *value;
}

const JsonObject& object_of(const JsonObject& object, std::string_view key) {
  const auto* value = get_object(object, key);
  if (value == nullptr) throw std::runtime_error(cat("no \"", key, "\""));
  return *value;
}

std::string shown_text(const std::vector<ServerEvent>& events) {
  std::string text;
  for (const auto& event : events) {
    if (event.type == "reset") text.clear();
    if (event.type == "delta") text += text_of(event.json(), "text");
  }
  return text;
}

JsonObject final_message(const std::vector<ServerEvent>& events) {
  if (events.empty() || events.back().type != "done")
    throw std::runtime_error(cat("the stream ends with ", events.empty() ? "nothing" : events.back().data));
  return object_of(events.back().json(), "message");
}

}  // namespace quintet::functional
