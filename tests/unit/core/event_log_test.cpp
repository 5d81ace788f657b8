#include "core/event_log.h"

#include <atomic>
#include <limits>
#include <thread>

#include <gtest/gtest.h>

namespace quintet {
namespace {

TEST(EventLog, EachReaderReadsAtItsOwnPlace) {
  EventLog log;
  for (const char* text : {"a", "b", "c"}) log.append({"delta", text});
  const auto all = log.read(0);
  ASSERT_EQ(all.events.size(), 3u);
  EXPECT_EQ(all.events[0].type, "delta");
  EXPECT_EQ(all.events[2].data, "c");
  EXPECT_FALSE(all.closed);
  EXPECT_EQ(log.read(2).events.size(), 1u);
  EXPECT_TRUE(log.read(3).events.empty());
  EXPECT_TRUE(log.read(99).events.empty());
}

TEST(EventLog, ClosedIsSaidWithTheLastEventsOnly) {
  EventLog log;
  log.append({"delta", "a"});
  log.append({"done", "b"});
  log.close();
  log.append({"delta", "too late"});
  EXPECT_EQ(log.size(), 2u);
  EXPECT_FALSE(log.read(0, 1).closed);
  EXPECT_TRUE(log.read(0, 2).closed);
  EXPECT_TRUE(log.read(1, 1).closed);
  EXPECT_TRUE(log.read(2).closed);
  EXPECT_TRUE(log.closed());
}

TEST(EventLog, AReaderMayAskForEverything) {
  EventLog log;
  for (const char* text : {"a", "b", "c"}) log.append({"delta", text});
  EXPECT_EQ(log.read(2, std::numeric_limits<std::size_t>::max()).events.size(), 1u);
  EXPECT_EQ(log.read(std::numeric_limits<std::size_t>::max()).events.size(), 0u);
}

TEST(EventLog, WakesSubscribersUntilTheyLeave) {
  EventLog log;
  int n_woken = 0;
  {
    EventLog::Subscription subscription = log.subscribe([&] { ++n_woken; });
    log.append({"delta", "a"});
    EventLog::Subscription moved = std::move(subscription);
    log.append({"delta", "b"});
    EXPECT_EQ(log.n_subscribers(), 1u);
    EXPECT_EQ(n_woken, 2);
  }
  EXPECT_EQ(log.n_subscribers(), 0u);
  log.close();
  EXPECT_EQ(n_woken, 2);
}

TEST(EventLog, ReplacingASubscriptionLeavesOne) {
  EventLog log;
  int n_first = 0;
  int n_second = 0;
  EventLog::Subscription subscription = log.subscribe([&] { ++n_first; });
  subscription = log.subscribe([&] { ++n_second; });
  log.close();
  EXPECT_EQ(n_first, 0);
  EXPECT_EQ(n_second, 1);
}

TEST(EventLog, ReadersOnOtherThreadsMissNothing) {
  constexpr std::size_t kEvents = 5'000;
  EventLog log;
  std::atomic<int> n_complete = 0;
  std::vector<std::thread> readers;
  for (int r = 0; r < 3; ++r)
    readers.emplace_back([&] {
      std::size_t n_read = 0;
      bool in_order = true;
      for (bool closed = false; !closed;) {
        const auto batch = log.read(n_read, 7);
        for (const auto& event : batch.events) in_order = in_order && event.data == std::to_string(n_read++);
        closed = batch.closed;
      }
      if (in_order && n_read == kEvents) ++n_complete;
    });
  for (std::size_t i = 0; i < kEvents; ++i) log.append({"delta", std::to_string(i)});
  log.close();
  for (auto& reader : readers) reader.join();
  EXPECT_EQ(n_complete, 3);
}

}  // namespace
}  // namespace quintet
