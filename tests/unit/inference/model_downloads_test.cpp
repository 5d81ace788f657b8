#include "inference/model_downloads.h"

#include <atomic>
#include <future>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/error.h"
#include "small_model_files.h"
#include "testing/fake_hub.h"
#include "testing/scratch_folder.h"

namespace quintet {
namespace {

using namespace std::chrono_literals;

class ModelDownloadsTest : public testing::Test {
 protected:
  ModelDownloadsTest() { hub.put("tiny-q8_0.gguf", small_gguf() + std::string(200'000, 'x'), true); }

  std::unique_ptr<ModelDownloads> make() {
    ModelDownloads::Options options;
    options.hub = [this] {
      HubSettings settings;
      settings.endpoint = hub.endpoint();
      settings.first_pause = 0ms;
      return settings;
    };
    options.on_done = [this] { ++n_ended; };
    options.policy.first_pause = 0ms;
    options.policy.progress_interval = 0ms;
    return std::make_unique<ModelDownloads>(store, http, std::move(options));
  }
  /// Waits, as long as it takes, until the only download is in this state.
  static ModelDownload wait_for(const ModelDownloads& downloads, ModelDownloadState state) {
    for (;;) {
      const auto all = downloads.list();
      if (all.size() == 1 && all[0].state == state) return all[0];
      std::this_thread::yield();
    }
  }

  FakeHub hub;
  ScratchFolder folder;
  ModelStore store{folder.path()};
  HttpClient http;
  std::atomic<int> n_ended = 0;
};

TEST_F(ModelDownloadsTest, FetchesInTheBackgroundAndIsListedUntilItIsDismissed) {
  const auto downloads = make();
  const auto begun = downloads->start(" hf:acme/tiny ");
  EXPECT_EQ(begun.source, "hf:acme/tiny");
  EXPECT_EQ(begun.state, ModelDownloadState::running);
  const auto done = wait_for(*downloads, ModelDownloadState::done);
  EXPECT_EQ(done.id, begun.id);
  EXPECT_EQ(done.progress.file, "tiny-q8_0.gguf");
  EXPECT_EQ(n_ended, 1);
  ASSERT_EQ(store.list().size(), 1u);
  EXPECT_TRUE(store.list()[0].is_complete);
  downloads->stop(done.id);
  EXPECT_TRUE(downloads->list().empty());
  EXPECT_THROW(downloads->stop(done.id), NotFound);
}

TEST_F(ModelDownloadsTest, WhatIsCancelledGoesOnWhenItIsStartedAgain) {
  hub.stall_bodies(100'000);
  const auto downloads = make();
  const auto begun = downloads->start("hf:acme/tiny");
  EXPECT_THROW(downloads->start("hf:acme/tiny"), Conflict);
  while (downloads->list()[0].progress.download.bytes < 100'000) std::this_thread::yield();
  downloads->stop(begun.id);
  const auto cancelled = wait_for(*downloads, ModelDownloadState::cancelled);
  EXPECT_EQ(cancelled.problem, "");
  hub.stall_bodies({});
  const auto again = downloads->start("hf:acme/tiny");
  EXPECT_NE(again.id, begun.id);
  wait_for(*downloads, ModelDownloadState::done);
  const auto requests = hub.storage().requests();
  EXPECT_TRUE(std::any_of(requests.begin(), requests.end(), [](const RecordedRequest& request) {
    return request.header("Range") == "bytes=100000-";
  }));
}

TEST_F(ModelDownloadsTest, AFailureIsKeptWithItsReason) {
  const auto downloads = make();
  EXPECT_THROW(downloads->start("nothing"), InvalidArgument);
  downloads->start("hf:acme/other");
  const auto failed = wait_for(*downloads, ModelDownloadState::failed);
  EXPECT_THAT(failed.problem, testing::HasSubstr("acme/other"));
}

TEST_F(ModelDownloadsTest, OnlyAFewRunAtOnceAndTheEndStopsThem) {
  hub.stall_bodies(10);
  const auto downloads = make();
  for (std::size_t i = 0; i < ModelDownloads::kMaxRunning; ++i)
    downloads->start("hf:acme/tiny@" + std::string(40, static_cast<char>('a' + i)));
  EXPECT_THROW(downloads->start("hf:acme/tiny"), Exhausted);
}

}  // namespace
}  // namespace quintet
