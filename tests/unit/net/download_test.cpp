#include "net/download.h"

#include <atomic>
#include <csignal>
#include <fstream>
#include <random>
#include <sys/resource.h>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/digest.h"
#include "core/files.h"
#include "core/ids.h"
#include "core/text.h"
#include "testing/fake_hub.h"

namespace quintet {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

std::string random_content(std::size_t n, unsigned seed = 1) {
  std::mt19937 random(seed);
  std::string content(n, '\0');
  for (char& c : content) c = static_cast<char>(random());
  return content;
}

std::string sha256_hex(std::string_view content) {
  return hex_encode(sha256(content));
}

class DownloadTest : public testing::Test {
 protected:
  DownloadTest() : folder(std::filesystem::temp_directory_path() / new_id("download")) {
    std::filesystem::create_directories(folder);
    policy.first_pause = 0ms;
    policy.progress_interval = 0ms;
    server.set_handler([this](const RecordedRequest& seen) {
      FileReply how = reply;
      const std::lock_guard lock(mutex);
      if (!cuts.empty()) {
        how.cut_after = cuts.front();
        cuts.pop_front();
      }
      return file_reply(seen, content, how);
    });
  }
  ~DownloadTest() override { std::filesystem::remove_all(folder); }

  DownloadRequest request(std::string_view target = "/model.gguf") const {
    DownloadRequest wanted;
    wanted.url = server.url(target);
    wanted.path = folder / "sub" / "model.gguf";
    return wanted;
  }
  DownloadRequest checked_request() const {
    DownloadRequest wanted = request();
    wanted.size = content.size();
    wanted.sha256 = sha256_hex(content);
    return wanted;
  }
  std::string part_content(const DownloadRequest& wanted) const { return read_file(part_path(wanted.path)); }
  /// Leaves the first `n` bytes in the part, as an interrupted download does.
  void interrupt_after(const DownloadRequest& wanted, std::size_t n) {
    DownloadPolicy impatient = policy;
    impatient.max_failures = 1;
    cuts = {n};
    EXPECT_THROW(download(client, wanted, {}, {}, impatient), HttpFailure);
    EXPECT_EQ(part_content(wanted).size(), n);
  }
  void expect_only_the_file(const DownloadRequest& wanted) const {
    EXPECT_EQ(read_file(wanted.path), content);
    const auto n_files = std::distance(std::filesystem::directory_iterator(wanted.path.parent_path()), {});
    EXPECT_EQ(n_files, 1) << "something was left beside the file";
  }
  std::string error_of(const DownloadRequest& wanted, ErrorCode code) {
    try {
      download(client, wanted, {}, {}, policy);
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), code) << error.what();
      return error.what();
    }
    ADD_FAILURE() << "the download succeeded";
    return {};
  }

  std::filesystem::path folder;
  std::string content = random_content(300'000);
  FileReply reply{.etag = "\"one\""};
  std::mutex mutex;
  std::deque<std::size_t> cuts;  // guarded by mutex
  HttpScriptServer server;
  HttpClient client;
  DownloadPolicy policy;
};

TEST_F(DownloadTest, PutsTheWholeFileInItsPlaceAndTellsItsChecksum) {
  const auto wanted = request();
  std::vector<DownloadProgress> seen;
  const auto result =
      download(client, wanted, [&](const DownloadProgress& p) { seen.push_back(p); }, {}, policy);
  EXPECT_EQ(result.bytes, content.size());
  EXPECT_EQ(result.sha256, sha256_hex(content));
  EXPECT_FALSE(result.was_there);
  expect_only_the_file(wanted);
  ASSERT_FALSE(seen.empty());
  EXPECT_EQ(seen.back().bytes, content.size());
  EXPECT_EQ(seen.back().total, content.size());
  for (std::size_t i = 1; i < seen.size(); ++i) EXPECT_GE(seen[i].bytes, seen[i - 1].bytes);
}

TEST_F(DownloadTest, GoesOnWhereAnyOfManyConnectionsWasCut) {
  std::mt19937 random(7);
  for (int round = 0; round < 20; ++round) {
    const auto wanted = checked_request();
    std::size_t left = content.size();
    {
      const std::lock_guard lock(mutex);
      cuts.clear();
      for (int i = 0; i < 6; ++i) {
        cuts.push_back(std::uniform_int_distribution<std::size_t>(0, left / 2)(random));
        left -= cuts.back();
      }
    }
    std::uint64_t before = 0;
    download(
        client, wanted,
        [&](const DownloadProgress& p) {
          EXPECT_GE(p.bytes, before) << "bytes were fetched twice";
          before = p.bytes;
        },
        {}, policy);
    expect_only_the_file(wanted);
    std::filesystem::remove(wanted.path);
  }
  for (const auto& seen : server.requests()) EXPECT_EQ(seen.header("If-Range"), "");
}

TEST_F(DownloadTest, GoesOnWithThePartOfAnEarlierProcess) {
  const auto wanted = request();
  interrupt_after(wanted, 100'000);
  download(client, wanted, {}, {}, policy);
  expect_only_the_file(wanted);
  const auto last = server.requests().back();
  EXPECT_EQ(last.header("Range"), "bytes=100000-");
  EXPECT_EQ(last.header("If-Range"), "\"one\"");
}

TEST_F(DownloadTest, BeginsAgainWhenTheFileChanged) {
  const auto wanted = request();
  interrupt_after(wanted, 100'000);
  content = random_content(250'000, 2);
  reply.etag = "\"two\"";
  download(client, wanted, {}, {}, policy);
  expect_only_the_file(wanted);
}

TEST_F(DownloadTest, BeginsAgainWhenAnotherChecksumIsWanted) {
  interrupt_after(checked_request(), 100'000);
  content = random_content(300'000, 2);
  const auto wanted = checked_request();
  download(client, wanted, {}, {}, policy);
  expect_only_the_file(wanted);
  EXPECT_EQ(server.requests().back().header("Range"), "");
}

TEST_F(DownloadTest, BeginsAgainWhenTheServerIgnoresRanges) {
  reply.knows_ranges = false;
  const auto wanted = checked_request();
  interrupt_after(wanted, 100'000);
  download(client, wanted, {}, {}, policy);
  EXPECT_EQ(server.requests().back().header("Range"), "bytes=100000-");
  expect_only_the_file(wanted);
}

TEST_F(DownloadTest, WithoutAnyMeansToTellVersionsApartNothingIsGoneOnWith) {
  reply.etag = "";
  const auto wanted = request();
  interrupt_after(wanted, 100'000);
  download(client, wanted, {}, {}, policy);
  EXPECT_EQ(server.requests().back().header("Range"), "");
  expect_only_the_file(wanted);
}

TEST_F(DownloadTest, AServerThatAlwaysBeginsAgainIsGivenUp) {
  reply.knows_ranges = false;
  reply.cut_after = 200'000;
  policy.progress_bytes = 1000;
  EXPECT_THAT(error_of(checked_request(), ErrorCode::unavailable), HasSubstr("GET http://127.0.0.1"));
  EXPECT_LE(server.n_requests(), 20u);
}

TEST_F(DownloadTest, AnswersThatDoNotFitTogetherAreGivenUp) {
  const auto wanted = request();
  interrupt_after(wanted, 1000);
  server.set_handler([](const RecordedRequest&) {
    return http_reply(206, "text/plain", "abc", "Content-Range: bytes 7-9/10\r\n");
  });
  EXPECT_THAT(error_of(wanted, ErrorCode::corrupt_data), HasSubstr("do not fit together"));
}

TEST_F(DownloadTest, APartThatIsLongerThanTheFileIsBegunAgain) {
  const auto wanted = request();
  interrupt_after(wanted, 100'000);
  content = content.substr(0, 50'000);
  reply.etag = "\"one\"";  // a server that forgot to change it
  download(client, wanted, {}, {}, policy);
  expect_only_the_file(wanted);
}

TEST_F(DownloadTest, ACompletePartNeedsNoConnection) {
  const auto wanted = checked_request();
  interrupt_after(wanted, 100'000);
  std::ofstream(part_path(wanted.path), std::ios::binary) << content;
  const auto n_before = server.n_requests();
  download(client, wanted, {}, {}, policy);
  EXPECT_EQ(server.n_requests(), n_before);
  expect_only_the_file(wanted);
}

TEST_F(DownloadTest, AWrongChecksumDeletesThePartAndSaysSo) {
  auto wanted = checked_request();
  wanted.sha256 = sha256_hex("something else");
  const std::string message = error_of(wanted, ErrorCode::corrupt_data);
  EXPECT_THAT(message, HasSubstr(wanted.sha256));
  EXPECT_THAT(message, HasSubstr(sha256_hex(content)));
  EXPECT_THAT(message, HasSubstr("deleted"));
  EXPECT_TRUE(std::filesystem::is_empty(wanted.path.parent_path()));
}

TEST_F(DownloadTest, ADamagedPartIsFoundByTheChecksum) {
  const auto wanted = checked_request();
  interrupt_after(wanted, 100'000);
  {
    std::fstream part(part_path(wanted.path), std::ios::in | std::ios::out | std::ios::binary);
    part.seekp(5000);
    part.put(static_cast<char>(~content[5000]));
  }
  EXPECT_THAT(error_of(wanted, ErrorCode::corrupt_data), HasSubstr("checksum"));
  download(client, wanted, {}, {}, policy);
  expect_only_the_file(wanted);
}

TEST_F(DownloadTest, ChecksContentAgainstItsNameInGit) {
  content = "what is up, doc?";  // the example of the book "Pro Git"
  auto wanted = request();
  wanted.size = content.size();
  wanted.git_sha1 = "bd9dbf5aae1a3862dd1526723246b20206e5fc37";
  interrupt_after(wanted, 5);
  download(client, wanted, {}, {}, policy);
  expect_only_the_file(wanted);
  std::filesystem::remove(wanted.path);
  wanted.git_sha1 = std::string(40, '0');
  EXPECT_THAT(error_of(wanted, ErrorCode::corrupt_data), HasSubstr("sha1"));
}

TEST_F(DownloadTest, AnotherSizeThanExpectedIsRefused) {
  auto wanted = request();
  wanted.size = content.size() + 1;
  EXPECT_THAT(error_of(wanted, ErrorCode::corrupt_data), HasSubstr("300000 bytes where 300001"));
}

TEST_F(DownloadTest, EmptyFilesAndBodiesOfUnknownLengthAreFilesToo) {
  content = "";
  auto wanted = request();
  download(client, wanted, {}, {}, policy);
  expect_only_the_file(wanted);
  content = random_content(100'000);
  wanted.path = folder / "other" / "model.gguf";
  server.set_handler([this](const RecordedRequest&) { return chunked_reply_in_pieces(content, 999); });
  download(client, wanted, {}, {}, policy);
  expect_only_the_file(wanted);
}

TEST_F(DownloadTest, AFileThatIsThereIsKept) {
  const auto wanted = checked_request();
  download(client, wanted, {}, {}, policy);
  const auto again = download(client, wanted, {}, {}, policy);
  EXPECT_TRUE(again.was_there);
  EXPECT_EQ(again.sha256, wanted.sha256);
  EXPECT_EQ(server.n_requests(), 1u);
  auto other = wanted;
  other.sha256 = sha256_hex("other");
  EXPECT_THAT(error_of(other, ErrorCode::conflict), HasSubstr("remove it first"));
  other.size = 5;
  EXPECT_THAT(error_of(other, ErrorCode::conflict), HasSubstr("where 5 are expected"));
  expect_only_the_file(wanted);
}

TEST_F(DownloadTest, RetriesStatusesThatPassAndWaitsAsLongAsAsked) {
  server.enqueue(http_reply(500, "text/plain", ""));
  server.enqueue(http_reply(429, "text/plain", "", "Retry-After: 0\r\n"));
  server.enqueue(http_reply(503, "text/plain", ""));
  std::vector<std::string> reasons;
  download(
      client, request(),
      [&](const DownloadProgress& p) {
        if (p.phase == DownloadPhase::reconnecting) reasons.push_back(p.reason);
      },
      {}, policy);
  expect_only_the_file(request());
  EXPECT_THAT(reasons, testing::ElementsAre(HasSubstr("500"), HasSubstr("429"), HasSubstr("503")));
}

TEST_F(DownloadTest, AServerThatAsksForTooMuchPatienceIsAnErrorAtOnce) {
  server.enqueue(http_reply(429, "text/plain", "", "Retry-After: 3600\r\n"));
  EXPECT_THAT(error_of(request(), ErrorCode::exhausted), HasSubstr("wait 3600 s"));
  EXPECT_EQ(server.n_requests(), 1u);
}

TEST_F(DownloadTest, AStatusThatStaysIsGivenUpWithWhatTheServerSaid) {
  server.set_handler([](const RecordedRequest&) { return http_reply(500, "text/plain", "broken"); });
  EXPECT_THAT(error_of(request(), ErrorCode::unavailable), HasSubstr("status 500; gave up after 8 attempts"));
  server.set_handler([](const RecordedRequest&) {
    return http_reply(403, "text/plain", "not for you", "X-Error-Code: GatedRepo\r\n");
  });
  try {
    download(client, request(), {}, {}, policy);
    FAIL();
  } catch (const HttpRefusal& refusal) {
    EXPECT_EQ(refusal.code(), ErrorCode::forbidden);
    EXPECT_EQ(refusal.head().status, 403);
    EXPECT_EQ(refusal.body(), "not for you");
    EXPECT_EQ(find_header(refusal.head().headers, "x-error-code"), "GatedRepo");
  }
  EXPECT_TRUE(std::filesystem::is_empty(folder / "sub"));
}

TEST_F(DownloadTest, AServerThatNeverAnsweredIsGivenUpSoon) {
  auto wanted = request();
  wanted.url = "http://127.0.0.1:1/model.gguf";
  EXPECT_THROW(download(client, wanted, {}, {}, policy), HttpFailure);
}

TEST_F(DownloadTest, SaysBeforehandHowMuchDiskSpaceIsMissing) {
  auto wanted = request();
  wanted.size = std::uint64_t{1} << 60;
  const std::string message = error_of(wanted, ErrorCode::exhausted);
  EXPECT_THAT(message, HasSubstr("not enough disk space for model.gguf: 1.2 EB to download"));
  EXPECT_THAT(message, HasSubstr("are missing"));
  EXPECT_EQ(server.n_requests(), 0u);
  // The same when only the server knows the size.
  wanted.size.reset();
  server.set_handler([](const RecordedRequest&) -> ServerReply {
    return {SendBytes{"HTTP/1.1 200 OK\r\nContent-Length: 1152921504606846976\r\n\r\nabc"},
            StallUntilClosed{}};
  });
  EXPECT_THAT(error_of(wanted, ErrorCode::exhausted), HasSubstr("are missing"));
  EXPECT_TRUE(std::filesystem::is_empty(folder / "sub"));
}

TEST_F(DownloadTest, AFullDiskKeepsWhatArrived) {
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  rlimit small = before;
  small.rlim_cur = 100'000;
  const auto wanted = checked_request();
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &small), 0);
  std::string message;
  ErrorCode code{};
  try {
    download(client, wanted, {}, {}, policy);
  } catch (const Error& error) {
    message = error.what();
    code = error.code();
  }
  setrlimit(RLIMIT_FSIZE, &before);
  EXPECT_EQ(code, ErrorCode::exhausted) << message;
  EXPECT_THAT(message, HasSubstr("the disk is full"));
  EXPECT_EQ(part_content(wanted), content.substr(0, 100'000));
  download(client, wanted, {}, {}, policy);
  EXPECT_EQ(server.requests().back().header("Range"), "bytes=100000-");
  expect_only_the_file(wanted);
  std::signal(SIGXFSZ, handler);
}

TEST_F(DownloadTest, AStopEndsItWhileBytesAreAwaitedAndKeepsThePart) {
  reply.stall_after = 150'000;
  std::stop_source stop;
  const auto wanted = request();
  std::string message;
  try {
    download(
        client, wanted,
        [&](const DownloadProgress& p) {
          if (p.bytes == 150'000) stop.request_stop();
        },
        stop.get_token(), policy);
  } catch (const Cancelled& cancelled) {
    message = cancelled.what();
  }
  EXPECT_THAT(message, HasSubstr("stopped after 150.0 kB of 300.0 kB"));
  EXPECT_EQ(part_content(wanted), content.substr(0, 150'000));
  reply.stall_after.reset();
  download(client, wanted, {}, {}, policy);
  expect_only_the_file(wanted);
}

TEST_F(DownloadTest, AStopEndsThePauseBetweenTwoAttempts) {
  policy.first_pause = 1h;
  policy.longest_pause = 1h;
  server.enqueue(http_reply(503, "text/plain", ""));
  std::stop_source stop;
  EXPECT_THROW(download(
                   client, request(),
                   [&](const DownloadProgress& p) {
                     if (p.phase == DownloadPhase::reconnecting) stop.request_stop();
                   },
                   stop.get_token(), policy),
               Cancelled);
}

TEST_F(DownloadTest, TwoAtOnceTakeTurnsAndTheSecondFindsTheFile) {
  const auto wanted = checked_request();
  std::atomic<bool> second_waits = false;
  server.set_handler([this](const RecordedRequest& seen) { return file_reply(seen, content, reply); });
  std::optional<DownloadResult> second_result;
  std::jthread second;
  HttpClient second_client;
  const auto first_result = download(
      client, wanted,
      [&](const DownloadProgress& p) {
        if (p.bytes == 0 || second.joinable()) return;
        second = std::jthread([&] {
          second_result = download(
              second_client, wanted,
              [&](const DownloadProgress& q) {
                if (q.phase == DownloadPhase::waiting) second_waits = true;
                second_waits.notify_all();
              },
              {}, policy);
        });
        second_waits.wait(false);
      },
      {}, policy);
  second.join();
  EXPECT_FALSE(first_result.was_there);
  ASSERT_TRUE(second_result);
  EXPECT_TRUE(second_result->was_there);
  EXPECT_EQ(server.n_requests(), 1u);
  expect_only_the_file(wanted);
}

TEST_F(DownloadTest, APartIsDiscardedUnlessSomebodyIsAtWorkOnIt) {
  const auto wanted = request();
  EXPECT_FALSE(discard_part(wanted.path));
  interrupt_after(wanted, 1000);
  EXPECT_TRUE(discard_part(wanted.path));
  EXPECT_TRUE(std::filesystem::is_empty(folder / "sub"));
  bool was_refused = false;
  download(
      client, wanted,
      [&](const DownloadProgress&) {
        if (!std::filesystem::exists(part_path(wanted.path))) return;
        EXPECT_THROW(discard_part(wanted.path), Conflict);
        was_refused = true;
      },
      {}, policy);
  EXPECT_TRUE(was_refused);
}

TEST_F(DownloadTest, NeverWritesDownOrShowsWhatStandsInTheQuery) {
  const auto wanted = request("/model.gguf?signature=secret");
  DownloadPolicy impatient = policy;
  impatient.max_failures = 1;
  cuts = {1000};
  try {
    download(client, wanted, {}, {}, impatient);
    FAIL();
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), testing::Not(HasSubstr("secret")));
  }
  EXPECT_THAT(read_file(part_path(wanted.path).string() + ".json"), testing::Not(HasSubstr("secret")));
}

TEST(ContentRangeHeader, ReadsWhatServersSendAndNothingElse) {
  const auto range = parse_content_range("bytes 5-9/10");
  ASSERT_TRUE(range);
  EXPECT_EQ(range->first, 5u);
  EXPECT_EQ(range->last, 9u);
  EXPECT_EQ(range->total, 10u);
  EXPECT_TRUE(parse_content_range("Bytes 0-0/*"));
  for (const char* bad : {"", "bytes", "bytes */10", "bytes 5-4/10", "bytes 0-10/10", "bytes -1-4/10",
                          "bytes 0-9/99999999999999999999", "items 0-1/2", "bytes 0/1-2"}) {
    EXPECT_FALSE(parse_content_range(bad)) << bad;
  }
}

TEST(ReadableBytes, UsesDecimalUnitsAndNeverShowsAThousand) {
  EXPECT_EQ(readable_bytes(1), "1 byte");
  EXPECT_EQ(readable_bytes(999), "999 bytes");
  EXPECT_EQ(readable_bytes(1000), "1.0 kB");
  EXPECT_EQ(readable_bytes(999'949), "999.9 kB");
  EXPECT_EQ(readable_bytes(999'999), "1.0 MB");
  EXPECT_EQ(readable_bytes(~std::uint64_t{0}), "18.4 EB");
}

}  // namespace
}  // namespace quintet
