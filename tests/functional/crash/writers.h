#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "test_client.h"

/// Each writer keeps one kind of write going until the server dies under it, remembers what was acknowledged
/// and what was still on its way, and afterwards compares that with what a new server reads. One thread at a
/// time.
namespace quintet::functional {

class Writer {
 public:
  virtual ~Writer() = default;
  /// Once, on a running server.
  virtual void prepare(TestClient& client) = 0;
  /// Throws ConnectionLost when the server dies; anything else is a failure.
  virtual void write_until_killed(TestClient& client, std::mt19937_64& random) = 0;
  /// Checks with EXPECT_ that nothing is lost and nothing is half done.
  virtual void verify(TestClient& client) = 0;
  /// Everything since the beginning, as far as verify() looks at the latest only.
  virtual void verify_all(TestClient& client) { verify(client); }
  std::int64_t n_acknowledged() const noexcept { return n_acknowledged_; }

 protected:
  std::int64_t n_acknowledged_ = 0;
};

/// Merges files into a knowledge base: each whole or not at all.
class Importer final : public Writer {
 public:
  void prepare(TestClient& client) override;
  void write_until_killed(TestClient& client, std::mt19937_64& random) override;
  void verify(TestClient& client) override;

 private:
  static constexpr int kFileEntries = 10;
  static constexpr std::size_t kFilesPerBase = 40;  // then a new base, so that each import costs the same
  std::string kb_;
  int n_bases_ = 0;
  int n_files_ = 0;
  std::vector<int> acknowledged_;  // files in kb_
};

/// Replaces a knowledge base by its next generation: always one of them, whole.
class Replacer final : public Writer {
 public:
  void prepare(TestClient& client) override;
  void write_until_killed(TestClient& client, std::mt19937_64& random) override;
  void verify(TestClient& client) override;

 private:
  std::int64_t acknowledged_ = 0;
  std::int64_t attempted_ = 0;
};

/// Edits entries with their revisions.
class Editor final : public Writer {
 public:
  void prepare(TestClient& client) override;
  void write_until_killed(TestClient& client, std::mt19937_64& random) override;
  void verify(TestClient& client) override;

 private:
  struct Entry {
    std::string id;
    std::int64_t revision = 0;
    std::string answer;
    std::optional<std::string> attempted;  // an answer whose fate is not known
  };
  std::vector<Entry> entries_;
  std::int64_t n_edits_ = 0;
};

/// Conversations with streamed answers, and ratings of the answers.
class Chatter final : public Writer {
 public:
  void prepare(TestClient& client) override;
  void write_until_killed(TestClient& client, std::mt19937_64& random) override;
  void verify(TestClient& client) override;
  void verify_all(TestClient& client) override;

 private:
  struct Message {
    std::string id;
    std::string question;
    std::string question_id;
    std::optional<std::string> answer;  // once `done` has come
    std::optional<std::string> rating;
    std::optional<std::optional<std::string>> attempted_rating;
  };
  struct Conversation {
    std::string id;
    std::vector<Message> messages;
  };
  void ask(TestClient& client, Conversation& conversation);
  void rate(TestClient& client, Message& message, std::mt19937_64& random);
  void verify_conversation(TestClient& client, Conversation& conversation);

  std::vector<Conversation> conversations_;
  std::size_t first_unverified_ = 0;
  int n_questions_ = 0;
};

}  // namespace quintet::functional
