#include "core/thread_team.h"

#include <chrono>
#include <vector>

#include <gtest/gtest.h>

namespace quintet {
namespace {

TEST(ThreadTeam, DoesEachTaskOnceWhateverTheNumberOfThreads) {
  for (const std::size_t n_threads : {1u, 2u, 5u}) {
    ThreadTeam team(n_threads);
    EXPECT_EQ(team.size(), n_threads);
    for (const std::size_t n_tasks : {0u, 1u, 2u, 1000u}) {
      std::vector<std::atomic<int>> counts(n_tasks);
      for (int round = 0; round < 50; ++round)
        team.for_each(n_tasks, [&](std::size_t task, std::size_t thread) {
          ASSERT_LT(thread, n_threads);
          counts[task].fetch_add(1);
        });
      for (const auto& count : counts) EXPECT_EQ(count.load(), 50);
    }
  }
}

TEST(ThreadTeam, WakesHelpersThatFellAsleep) {
  ThreadTeam team(2);
  for (int round = 0; round < 20; ++round) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::microseconds(round % 2 == 0 ? 300 : 10);
    while (std::chrono::steady_clock::now() < end) std::this_thread::yield();
    std::atomic<int> n_done = 0;
    team.for_each(8, [&](std::size_t, std::size_t) { n_done.fetch_add(1); });
    EXPECT_EQ(n_done.load(), 8);
  }
}

}  // namespace
}  // namespace quintet
