#include <csignal>
#include <cstring>
#include <random>
#include <set>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#include <vector>

#include <gtest/gtest.h>

#include "core/log.h"
#include "scratch.h"
#include "storage/database.h"

namespace quintet {
namespace {

// A write is a pair of rows, so that a half-applied one would show.
constexpr Migration kTables[] = {
    {"test", 1,
     "CREATE TABLE one(id INTEGER PRIMARY KEY); CREATE TABLE two(id INTEGER PRIMARY KEY, text TEXT)"}};

/// Writes pairs from three threads until it is killed, and says which are committed.
[[noreturn]] void write_until_killed(const std::filesystem::path& path, std::int64_t first_id,
                                     int acknowledge) {
  Database database({.path = path}, kTables, null_log());
  std::vector<std::thread> threads;
  for (int t = 0; t < 3; ++t)
    threads.emplace_back([&, t] {
      for (std::int64_t id = first_id + t;; id += 3) {
        database.write([&](Connection& db) {
          db.execute("INSERT INTO one VALUES (?)", id);
          db.execute("INSERT INTO two VALUES (?, ?)", id,
                     std::string(static_cast<std::size_t>(id % 3000), 'x'));
        });
        if (write(acknowledge, &id, sizeof id) != sizeof id) _exit(1);
      }
    });
  for (auto& thread : threads) thread.join();
  _exit(1);
}

TEST(Durability, WhatWasAcknowledgedSurvivesAKillAtAnyMoment) {
  const ScratchFolder folder;
  const auto path = folder / "test.db";
  std::mt19937 random(20261123);
  std::set<std::int64_t> acknowledged;
  for (int round = 0; round < 20; ++round) {
    int pipe_ends[2];
    ASSERT_EQ(pipe(pipe_ends), 0);
    const pid_t child = fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      close(pipe_ends[0]);
      write_until_killed(path, round * 1'000'000, pipe_ends[1]);
    }
    close(pipe_ends[1]);
    // The number of acknowledgements waited for makes the moment; the pipe still holds those that raced the
    // kill.
    const std::size_t n_awaited = std::uniform_int_distribution<std::size_t>(1, 300)(random);
    std::int64_t id = 0;
    for (std::size_t n = 0; read(pipe_ends[0], &id, sizeof id) == sizeof id;) {
      acknowledged.insert(id);
      if (++n == n_awaited) kill(child, SIGKILL);
    }
    close(pipe_ends[0]);
    int status = 0;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) << "the child ended by itself";

    const Database database({.path = path}, kTables, null_log());
    ASSERT_EQ(database.check_integrity(), "ok") << "round " << round;
    database.read([&](Connection& db) {
      std::set<std::int64_t> stored;
      Statement row = db.prepare("SELECT id, (SELECT length(text) FROM two WHERE two.id = one.id) FROM one");
      while (row.step()) {
        stored.insert(row.integer(0));
        ASSERT_FALSE(row.is_null(1)) << "half of write " << row.integer(0);
        ASSERT_EQ(row.integer(1), row.integer(0) % 3000);
      }
      for (const std::int64_t lost : acknowledged) ASSERT_TRUE(stored.contains(lost)) << "lost " << lost;
      Statement others = db.prepare("SELECT count(*) FROM two WHERE id NOT IN (SELECT id FROM one)");
      others.step();
      ASSERT_EQ(others.integer(0), 0);
    });
  }
}

}  // namespace
}  // namespace quintet
