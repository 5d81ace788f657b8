#include "writers.h"

#include <set>

#include <gtest/gtest.h>

#include "core/text.h"

namespace quintet::functional {

namespace {

/// One of ours: the server must not answer anything else to a write that is in order.
JsonObject expect_success(const Response& response) {
  if (response.status >= 300) throw std::runtime_error(cat("status ", response.status, ": ", response.body));
  return response.body.empty() ? JsonObject{} : response.json();
}

std::string text_of(const JsonObject& object, std::string_view key) {
  return require_string(object, key);
}

std::string file_entry(int file, int index) {
  return cat("f", file, "-", index);
}

}  // namespace

void Importer::prepare(TestClient& client) {
  kb_ = cat("imports-", ++n_bases_);
  acknowledged_.clear();
  expect_success(client.post("/api/faq/kbs", {{"name", kb_}}));
}

void Importer::write_until_killed(TestClient& client, std::mt19937_64&) {
  if (acknowledged_.size() >= kFilesPerBase) prepare(client);
  while (true) {
    const int file = ++n_files_;
    std::string lines;
    for (int i = 0; i < kFileEntries; ++i) {
      const std::string id = file_entry(file, i);
      lines += to_json(
          JsonObject{{"id", id}, {"question", cat("What is in ", id, "?")}, {"answer", cat("Text of ", id)}});
      lines += '\n';
    }
    const auto report =
        expect_success(client.upload(cat("/api/faq/kbs/", kb_, "/import?mode=merge&format=jsonl"), lines));
    if (get_bool(report, "committed") != true) throw std::runtime_error("an import was not committed");
    acknowledged_.push_back(file);
    ++n_acknowledged_;
  }
}

void Importer::verify(TestClient& client) {
  const Response exported = client.get(cat("/api/faq/kbs/", kb_, "/export?format=json"));
  ASSERT_EQ(exported.status, 200) << exported.body;
  std::map<int, int> n_found;
  const JsonObject file = exported.json();
  for (const auto& entry : *get_array(file, "faqs")) {
    const std::string id = text_of(entry.as_object(), "id");
    EXPECT_EQ(text_of(entry.as_object(), "answer"), cat("Text of ", id));
    ++n_found[std::atoi(id.c_str() + 1)];
  }
  for (const int file : acknowledged_) EXPECT_EQ(n_found[file], kFileEntries) << "acknowledged file " << file;
  for (const auto& [file, n] : n_found) EXPECT_EQ(n, kFileEntries) << "half a file " << file;
}

void Replacer::prepare(TestClient& client) {
  expect_success(client.post("/api/faq/kbs", {{"name", "whole"}}));
}

void Replacer::write_until_killed(TestClient& client, std::mt19937_64&) {
  while (true) {
    attempted_ = std::max(attempted_, acknowledged_) + 1;
    JsonArray entries;
    for (int i = 0; i < 8; ++i) {
      // Half of the questions change with the generation, so that entries come and go.
      entries.push_back(
          JsonObject{{"question", i < 4 ? cat("Part ", i, "?") : cat("Part ", i, " of ", attempted_, "?")},
                     {"answer", cat("generation ", attempted_)}});
    }
    expect_success(client.upload("/api/faq/kbs/whole/import?mode=replace&format=json", to_json(entries)));
    acknowledged_ = attempted_;
    ++n_acknowledged_;
  }
}

void Replacer::verify(TestClient& client) {
  const Response exported = client.get("/api/faq/kbs/whole/export?format=json");
  ASSERT_EQ(exported.status, 200) << exported.body;
  std::set<std::string> generations;
  const JsonObject file = exported.json();
  const JsonArray& entries = *get_array(file, "faqs");
  for (const auto& entry : entries) generations.insert(text_of(entry.as_object(), "answer"));
  if (acknowledged_ == 0 && generations.empty()) return;
  ASSERT_EQ(entries.size(), 8U);
  ASSERT_EQ(generations.size(), 1U) << "two generations at once";
  const auto found =
      parse_int(std::string_view(*generations.begin()).substr(std::string_view("generation ").size()));
  ASSERT_TRUE(found);
  EXPECT_TRUE(*found == acknowledged_ || *found == attempted_)
      << "generation " << *found << " after " << acknowledged_ << " was acknowledged and " << attempted_
      << " tried";
  acknowledged_ = *found;
}

void Editor::prepare(TestClient& client) {
  expect_success(client.post("/api/faq/kbs", {{"name", "edits"}}));
  for (int i = 0; i < 6; ++i) {
    const auto made = expect_success(client.post(
        "/api/faq/kbs/edits/entries", {{"question", cat("What about topic ", i, "?")}, {"answer", "first"}}));
    entries_.push_back({text_of(made, "id"), get_int(made, "revision").value(), "first", {}});
  }
}

void Editor::write_until_killed(TestClient& client, std::mt19937_64& random) {
  while (true) {
    const std::size_t index = random() % entries_.size();
    Entry& entry = entries_[index];
    entry.attempted = cat("edit ", ++n_edits_);
    const auto stored = expect_success(client.put(cat("/api/faq/kbs/edits/entries/", entry.id),
                                                  {{"question", cat("What about topic ", index, "?")},
                                                   {"answer", *entry.attempted},
                                                   {"revision", entry.revision}}));
    entry.answer = *std::exchange(entry.attempted, std::nullopt);
    entry.revision = get_int(stored, "revision").value();
    ++n_acknowledged_;
  }
}

void Editor::verify(TestClient& client) {
  for (Entry& entry : entries_) {
    const Response response = client.get(cat("/api/faq/kbs/edits/entries/", entry.id));
    ASSERT_EQ(response.status, 200) << response.body;
    const auto stored = response.json();
    const std::string answer = text_of(stored, "answer");
    const std::int64_t revision = get_int(stored, "revision").value();
    if (entry.attempted && answer == *entry.attempted) {
      EXPECT_GT(revision, entry.revision);
    } else {
      EXPECT_EQ(answer, entry.answer) << "revision " << revision << ", acknowledged " << entry.revision;
      EXPECT_EQ(revision, entry.revision);
    }
    entry.answer = answer;
    entry.revision = revision;
    entry.attempted.reset();
  }
}

void Chatter::prepare(TestClient& client) {
  expect_success(client.post("/api/faq/kbs", {{"name", "chats"}}));
  for (const char* topic : {"returns", "shipping", "invoices", "warranty"}) {
    expect_success(client.post("/api/faq/kbs/chats/entries", {{"question", cat("Tell me about ", topic)},
                                                              {"answer", cat("All about ", topic, ".")}}));
  }
}

void Chatter::write_until_killed(TestClient& client, std::mt19937_64& random) {
  while (true) {
    const auto made = expect_success(client.post("/api/conversations", {{"kb", "chats"}}));
    conversations_.push_back({text_of(made, "id"), {}});
    ++n_acknowledged_;
    for (int i = 0; i < 3; ++i) {
      ask(client, conversations_.back());
      rate(client, conversations_.back().messages.back(), random);
    }
  }
}

void Chatter::ask(TestClient& client, Conversation& conversation) {
  constexpr const char* kTopics[] = {"returns", "shipping", "invoices", "warranty", "the meaning of life"};
  const std::string question = cat("Tell me about ", kTopics[++n_questions_ % 5]);
  auto events = client.events("POST", cat("/api/conversations/", conversation.id, "/messages"),
                              to_json(JsonObject{{"text", question}}));
  if (events.head().status != 200)
    throw std::runtime_error(cat("chat: ", events.head().status, " ", events.head().body));
  while (const auto event = events.next()) {
    const auto data = event->json();
    if (event->type == "start") {
      conversation.messages.push_back({text_of(data, "message_id"),
                                       question,
                                       text_of(*get_object(data, "user_message"), "id"),
                                       {},
                                       {},
                                       {}});
      ++n_acknowledged_;
    } else if (event->type == "done") {
      conversation.messages.back().answer = text_of(*get_object(data, "message"), "text");
      ++n_acknowledged_;
    }
  }
  if (!conversation.messages.back().answer) throw ConnectionLost("the stream ended without `done`");
}

void Chatter::rate(TestClient& client, Message& message, std::mt19937_64& random) {
  const std::uint64_t choice = random() % 3;
  const std::optional<std::string> rating =
      choice == 0 ? std::nullopt : std::optional<std::string>(choice == 1 ? "up" : "down");
  message.attempted_rating = rating;
  expect_success(client.put(cat("/api/messages/", message.id, "/rating"),
                            {{"rating", rating ? Json(*rating) : Json(nullptr)}}));
  message.rating = rating;
  message.attempted_rating.reset();
  ++n_acknowledged_;
}

void Chatter::verify_conversation(TestClient& client, Conversation& conversation) {
  const Response response = client.get(cat("/api/conversations/", conversation.id));
  ASSERT_EQ(response.status, 200) << "conversation " << conversation.id << " is lost: " << response.body;
  const auto stored = response.json();
  std::map<std::string, JsonObject> messages;
  for (const auto& message : *get_array(stored, "messages"))
    messages[text_of(message.as_object(), "id")] = message.as_object();
  for (Message& message : conversation.messages) {
    ASSERT_TRUE(messages.contains(message.question_id)) << "a question is lost";
    EXPECT_EQ(text_of(messages[message.question_id], "text"), message.question);
    ASSERT_TRUE(messages.contains(message.id)) << "an answer is lost";
    const JsonObject& answer = messages[message.id];
    EXPECT_NE(text_of(answer, "status"), "streaming") << "nobody writes it any more";
    if (message.answer) {
      EXPECT_EQ(text_of(answer, "status"), "complete");
      EXPECT_EQ(text_of(answer, "text"), *message.answer);
    }
    const auto rating = get_string(answer, "rating");
    EXPECT_TRUE(rating == message.rating || (message.attempted_rating && rating == *message.attempted_rating))
        << "rating is " << rating.value_or("none") << ", acknowledged was "
        << message.rating.value_or("none");
    message.rating = rating;
    message.attempted_rating.reset();
  }
}

void Chatter::verify(TestClient& client) {
  for (; first_unverified_ < conversations_.size(); ++first_unverified_)
    verify_conversation(client, conversations_[first_unverified_]);
}

void Chatter::verify_all(TestClient& client) {
  for (Conversation& conversation : conversations_) verify_conversation(client, conversation);
}

}  // namespace quintet::functional
