// What was acknowledged survives kill -9 at any moment.
#include <chrono>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <thread>

#include <gtest/gtest.h>
#include <sqlite3.h>

#include "core/text.h"
#include "server_process.h"
#include "writers.h"

namespace quintet::functional {
namespace {

using namespace std::chrono_literals;

std::uint64_t seed() {
  const char* given = std::getenv("QN_SEED");
  const std::uint64_t value = given != nullptr ? std::strtoull(given, nullptr, 10) : 20'261'123;
  std::cout << "seed " << value << " (set QN_SEED for another)\n";
  return value;
}

std::string first_text(sqlite3* db, const char* sql) {
  sqlite3_stmt* statement = nullptr;
  if (sqlite3_prepare_v2(db, sql, -1, &statement, nullptr) != SQLITE_OK) return sqlite3_errmsg(db);
  std::string text = "(no row)";
  if (sqlite3_step(statement) == SQLITE_ROW)
    text = reinterpret_cast<const char*>(sqlite3_column_text(statement, 0));
  sqlite3_finalize(statement);
  return text;
}

void expect_sound(const std::filesystem::path& file, bool with_search_index) {
  sqlite3* db = nullptr;
  ASSERT_EQ(sqlite3_open_v2(file.c_str(), &db, SQLITE_OPEN_READWRITE, nullptr), SQLITE_OK);
  sqlite3_busy_timeout(db, 10'000);
  EXPECT_EQ(first_text(db, "PRAGMA integrity_check"), "ok");
  EXPECT_EQ(first_text(db, "PRAGMA foreign_key_check"), "(no row)");
  // The search index holds exactly the entries.
  EXPECT_EQ(first_text(db,
                       "SELECT count(*) FROM faq_entry e LEFT JOIN faq_search s ON s.rowid = e.rowid "
                       "WHERE s.question IS NOT e.question"),
            "0");
  EXPECT_EQ(first_text(db, "SELECT (SELECT count(*) FROM faq_search) - (SELECT count(*) FROM faq_entry)"),
            "0");
  if (with_search_index) {
    EXPECT_EQ(first_text(db, "INSERT INTO faq_search(faq_search) VALUES('integrity-check')"), "(no row)");
    EXPECT_STREQ(sqlite3_errmsg(db), "not an error");
  }
  sqlite3_close(db);
}

Fields with_key(const std::string& key) {
  return {{"Authorization", cat("Bearer ", key)}};
}

/// Keys that the command line has shown, made beside the running server.
class KeyMaker {
 public:
  explicit KeyMaker(std::filesystem::path folder) : folder_(std::move(folder)) {}

  std::string make(std::string_view scope, std::optional<std::chrono::milliseconds> kill_after = {}) {
    const auto result =
        run_quintet({.folder = folder_,
                     .arguments = {"keys", "create", cat("key ", ++n_), "--scope", std::string(scope)},
                     .environment = {},
                     .kill_after = kill_after});
    const std::string secret(trim(result.out));
    // A key that was shown exists, even if the program was killed right after.
    if (!secret.empty()) secrets_.push_back(secret);
    return secret;
  }
  void verify(int port) {
    for (; n_verified_ < secrets_.size(); ++n_verified_) {
      TestClient client(port, with_key(secrets_[n_verified_]));
      EXPECT_EQ(client.get("/api/faq/kbs").status, 200) << "a key that was shown is lost";
    }
  }
  void verify_all(int port) {
    n_verified_ = 0;
    verify(port);
  }
  std::size_t n_made() const noexcept { return secrets_.size(); }

 private:
  std::filesystem::path folder_;
  std::vector<std::string> secrets_;
  std::size_t n_verified_ = 0;
  int n_ = 0;
};

struct Outcome {
  std::exception_ptr failure;
};

void write(Writer& writer, int port, const std::string& key, std::uint64_t random_seed, Outcome& outcome) {
  std::mt19937_64 random(random_seed);
  TestClient client(port, with_key(key));
  try {
    writer.write_until_killed(client, random);
  } catch (const ConnectionLost&) {
    // What this test is about.
  } catch (const std::exception&) {
    outcome.failure = std::current_exception();
  }
}

TEST(Crash, EveryAcknowledgedWriteSurvivesTwoHundredKills) {
  constexpr int kServerKills = 200;
  constexpr int kCyclesPerKeyCommand = 4;
  std::mt19937_64 random(seed());
  const ScratchFolder folder;
  KeyMaker keys(folder.path());
  const std::string admin = keys.make("admin");
  ASSERT_FALSE(admin.empty());

  std::vector<std::unique_ptr<Writer>> writers;
  writers.push_back(std::make_unique<Importer>());
  writers.push_back(std::make_unique<Replacer>());
  writers.push_back(std::make_unique<Editor>());
  writers.push_back(std::make_unique<Chatter>());
  auto server = std::make_unique<ServerProcess>(folder.path());
  {
    TestClient client(server->port(), with_key(admin));
    for (const auto& writer : writers) writer->prepare(client);
  }

  int n_command_kills = 0;
  for (int cycle = 0; cycle < kServerKills; ++cycle) {
    SCOPED_TRACE(cat("cycle ", cycle));
    std::vector<Outcome> outcomes(writers.size());
    std::vector<std::jthread> threads;
    for (std::size_t i = 0; i < writers.size(); ++i)
      threads.emplace_back(
          [&, i, next = random()] { write(*writers[i], server->port(), admin, next, outcomes[i]); });
    const std::chrono::microseconds until_kill(5'000 + random() % 75'000);
    std::this_thread::sleep_for(until_kill);  // the random point itself, not a wait for something
    if (cycle % kCyclesPerKeyCommand == 0) {
      // A command that dies beside a server that dies.
      keys.make("faq", std::chrono::milliseconds(random() % 60));
      ++n_command_kills;
    }
    server->kill();
    threads.clear();
    for (const auto& outcome : outcomes)
      if (outcome.failure) std::rethrow_exception(outcome.failure);

    server = std::make_unique<ServerProcess>(folder.path());
    TestClient client(server->port(), with_key(admin));
    for (const auto& writer : writers) writer->verify(client);
    keys.verify(server->port());
    expect_sound(database_file(folder.path()), false);
    if (HasFailure()) FAIL() << "stopped after the first cycle with a loss";
  }

  TestClient client(server->port(), with_key(admin));
  std::int64_t n_acknowledged = 0;
  for (const auto& writer : writers) {
    writer->verify_all(client);
    EXPECT_GT(writer->n_acknowledged(), kServerKills / 4) << "too little was written to prove anything";
    n_acknowledged += writer->n_acknowledged();
  }
  keys.verify_all(server->port());
  expect_sound(database_file(folder.path()), true);
  std::cout << kServerKills << " kills of the server, " << n_command_kills << " of a command, "
            << n_acknowledged << " acknowledged writes, " << keys.n_made() << " keys\n";
}

TEST(Crash, AnImportByTheCommandLineIsWholeOrAbsentWhenKilled) {
  constexpr int kKills = 40;
  constexpr int kEntries = 300;
  std::mt19937_64 random(seed());
  const ScratchFolder folder;
  int n_acknowledged = 0;
  int n_absent = 0;
  for (int round = 0; round < kKills; ++round) {
    SCOPED_TRACE(cat("round ", round));
    std::string lines;
    for (int i = 0; i < kEntries; ++i) {
      lines += to_json(JsonObject{
          {"id", cat("e", i)}, {"question", cat("Question ", i, "?")}, {"answer", cat("round ", round)}});
      lines += '\n';
    }
    const auto file = folder.write("faq.jsonl", lines);
    const std::string kb = cat("kb-", round);
    const auto result = run_quintet({.folder = folder.path(),
                                     .arguments = {"faq", "import", file.string(), "--kb", kb},
                                     .environment = {},
                                     .kill_after = std::chrono::milliseconds(random() % 120)});
    const auto listed = run_quintet(folder.path(), {"faq", "list", "--kb", kb, "--json"});
    const std::size_t n = listed.status == 0 ? parse_json(listed.out).as_array().size() : 0;
    EXPECT_TRUE(n == 0 || n == kEntries) << n << " entries";
    if (result.out.starts_with("Imported")) {
      EXPECT_EQ(n, static_cast<std::size_t>(kEntries)) << "it said so";
      ++n_acknowledged;
    }
    if (n == 0) ++n_absent;
  }
  expect_sound(database_file(folder.path()), true);
  std::cout << kKills << " kills, " << n_acknowledged << " imports acknowledged, " << n_absent << " absent\n";
}

}  // namespace
}  // namespace quintet::functional
