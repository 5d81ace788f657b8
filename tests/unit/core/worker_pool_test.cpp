#include "core/worker_pool.h"

#include <atomic>
#include <future>
#include <stdexcept>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "../storage/scratch.h"

namespace quintet {
namespace {

using testing::HasSubstr;
using testing::SizeIs;

TEST(WorkerPool, RunsEveryTaskBeforeItEnds) {
  std::atomic<int> n_run = 0;
  {
    WorkerPool pool({.max_threads = 4}, null_log());
    for (int i = 0; i < 1000; ++i) ASSERT_TRUE(pool.submit([&] { ++n_run; }));
    EXPECT_LE(pool.n_threads(), 4u);
  }
  EXPECT_EQ(n_run, 1000);
}

TEST(WorkerPool, StartsAThreadWhenAllAreBusy) {
  WorkerPool pool({.max_threads = 3}, null_log());
  std::promise<void> go_on;
  const auto released = go_on.get_future().share();
  std::vector<std::future<void>> begun;
  for (int i = 0; i < 3; ++i) {
    auto began = std::make_shared<std::promise<void>>();
    begun.push_back(began->get_future());
    ASSERT_TRUE(pool.submit([began, released] {
      began->set_value();
      released.wait();
    }));
  }
  for (auto& began : begun) began.wait();  // three at once, or this would wait for ever
  EXPECT_EQ(pool.n_threads(), 3u);
  go_on.set_value();
}

TEST(WorkerPool, SaysWhenItsQueueIsFull) {
  WorkerPool pool({.max_threads = 1, .max_queued = 2}, null_log());
  std::promise<void> go_on;
  const auto released = go_on.get_future().share();
  auto began = std::make_shared<std::promise<void>>();
  auto begun = began->get_future();
  ASSERT_TRUE(pool.submit([began, released] {
    began->set_value();
    released.wait();
  }));
  begun.wait();
  EXPECT_TRUE(pool.submit([] {}));
  EXPECT_TRUE(pool.submit([] {}));
  EXPECT_EQ(pool.n_queued(), 2u);
  EXPECT_FALSE(pool.submit([] { FAIL() << "a refused task ran"; }));
  go_on.set_value();
}

TEST(WorkerPool, ATaskThatThrowsIsLoggedAndHarmsNobody) {
  RecordingLog log;
  bool ran_after = false;
  {
    WorkerPool pool({.max_threads = 1}, log);
    ASSERT_TRUE(pool.submit([] { throw std::runtime_error("mine"); }));
    ASSERT_TRUE(pool.submit([] { throw 7; }));
    ASSERT_TRUE(pool.submit([&] { ran_after = true; }));
  }
  EXPECT_TRUE(ran_after);
  ASSERT_THAT(log.lines(), SizeIs(2));
  EXPECT_THAT(log.lines()[0], HasSubstr("mine"));
}

TEST(WorkerPool, ATaskMaySubmitAndIsRefusedWhileThePoolEnds) {
  std::atomic<int> n_run = 0;
  std::atomic<bool> refused = false;
  auto pool = std::make_unique<WorkerPool>(WorkerPool::Options{.max_threads = 2}, null_log());
  WorkerPool& running = *pool;
  std::promise<void> nested_ran;
  ASSERT_TRUE(running.submit([&] {
    ++n_run;
    ASSERT_TRUE(running.submit([&] {
      ++n_run;
      nested_ran.set_value();
    }));
  }));
  nested_ran.get_future().wait();
  ASSERT_TRUE(running.submit([&] {
    while (running.submit([] {})) std::this_thread::yield();
    refused = true;
  }));
  pool.reset();
  EXPECT_EQ(n_run, 2);
  EXPECT_TRUE(refused);
}

TEST(WorkerPool, IdleThreadsLeaveButForOne) {
  WorkerPool pool({.max_threads = 8, .idle_time = std::chrono::milliseconds(1)}, null_log());
  std::promise<void> go_on;
  const auto released = go_on.get_future().share();
  for (int i = 0; i < 8; ++i) ASSERT_TRUE(pool.submit([released] { released.wait(); }));
  go_on.set_value();
  while (pool.n_threads() > 1) std::this_thread::yield();
  std::promise<void> ran;
  ASSERT_TRUE(pool.submit([&] { ran.set_value(); }));
  ran.get_future().wait();
}

}  // namespace
}  // namespace quintet
