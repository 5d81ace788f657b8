#include "inference/model_pull.h"

#include <fstream>
#include <random>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/error.h"
#include "core/files.h"
#include "core/ids.h"
#include "core/text.h"
#include "small_model_files.h"
#include "testing/fake_hub.h"

namespace quintet {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;
namespace fs = std::filesystem;

class ModelPullTest : public testing::Test {
 protected:
  ModelPullTest() : root(fs::temp_directory_path() / new_id("pull")), store(root) {
    settings.endpoint = hub.endpoint();
    settings.first_pause = 0ms;
    policy.first_pause = 0ms;
    policy.progress_interval = 0ms;
    hub.put("README.md", "# Tiny\n", false);
    hub.put("tiny-q4_k_m.gguf", small_gguf(), true);
    hub.put("tiny-q8_0.gguf", small_gguf() + std::string(200'000, 'x'), true);
  }
  ~ModelPullTest() override { fs::remove_all(root); }

  PullResult pull(const std::string& source, const PullObserver& observer = {}, std::stop_token stop = {}) {
    return pull_model(store, http, settings, {source, {}}, observer, stop, policy);
  }
  std::string error_of(const std::string& source, ErrorCode code) {
    try {
      pull(source);
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), code) << error.what();
      return error.what();
    }
    ADD_FAILURE() << "the pull succeeded";
    return {};
  }
  bool is_untouched() const { return !fs::exists(root) || fs::is_empty(root); }

  FakeHub hub;
  fs::path root;
  ModelStore store;
  HttpClient http;
  HubSettings settings;
  DownloadPolicy policy;
};

TEST_F(ModelPullTest, PutsTheChosenFileIntoTheStoreAndNotesWhereItCameFrom) {
  const auto result = pull("hf:acme/tiny");
  EXPECT_EQ(result.model.name, "tiny-q4_k_m");
  EXPECT_EQ(result.model.path, root / "acme/tiny/tiny-q4_k_m.gguf");
  EXPECT_TRUE(result.model.is_complete) << result.model.problem;
  EXPECT_EQ(result.transferred_bytes, small_gguf().size());
  EXPECT_EQ(read_file(result.model.path), small_gguf());
  ASSERT_TRUE(result.model.origin);
  const ManifestFile& origin = *result.model.origin;
  EXPECT_EQ(origin.source, "hf:acme/tiny");
  EXPECT_EQ(origin.revision, hub.commit());
  EXPECT_EQ(origin.sha256, hex_encode(sha256(small_gguf())));
  EXPECT_EQ(origin.url, hub.endpoint() + "/acme/tiny/resolve/" + hub.commit() + "/tiny-q4_k_m.gguf");
  EXPECT_NE(origin.downloaded_at, "");
}

TEST_F(ModelPullTest, ASecondPullTransfersNothing) {
  pull("hf:acme/tiny");
  const auto n_before = hub.storage().n_requests();
  const auto again = pull("hf:acme/tiny:q4_k_m");
  EXPECT_EQ(again.transferred_bytes, 0u);
  EXPECT_EQ(again.bytes, small_gguf().size());
  EXPECT_EQ(hub.storage().n_requests(), n_before);
}

TEST_F(ModelPullTest, ShowsTheTokenToTheHubAndToNobodyElse) {
  settings.token = "hf_secret";
  hub.require_token("hf_secret");
  pull("hf:acme/tiny");
  ASSERT_GE(hub.hub().n_requests(), 3u);
  for (const auto& seen : hub.hub().requests()) EXPECT_EQ(seen.header("Authorization"), "Bearer hf_secret");
  ASSERT_EQ(hub.storage().n_requests(), 1u);
  EXPECT_EQ(hub.storage().requests()[0].header("Authorization"), "");
  EXPECT_THAT(read_file(root / "acme/tiny/quintet.json"), Not(HasSubstr("hf_secret")));
}

TEST_F(ModelPullTest, ReadsListsOfManyPages) {
  for (int i = 0; i < 25; ++i) hub.put(cat("notes/", i, ".txt"), "x", false);
  hub.set_page_size(4);
  pull("hf:acme/tiny:tiny-q8_0.gguf");
  std::size_t n_pages = 0;
  for (const auto& seen : hub.hub().requests()) n_pages += seen.target.starts_with("/api/") ? 1 : 0;
  EXPECT_EQ(n_pages, 7u);
}

TEST_F(ModelPullTest, AListThatGoesOnAtAnotherHostIsRefused) {
  HttpScriptServer evil;
  settings.token = "hf_secret";
  hub.intercept([&](const RecordedRequest&) {
    return http_reply(200, "application/json", "[]",
                      cat("Link: <", evil.url("/next"), ">; rel=\"next\"\r\n"));
  });
  EXPECT_THAT(error_of("hf:acme/tiny", ErrorCode::corrupt_data), HasSubstr("another host"));
  EXPECT_EQ(evil.n_requests(), 0u);
}

TEST_F(ModelPullTest, SurvivesConnectionsCutAtRandomPlaces) {
  std::mt19937 random(11);
  for (int round = 0; round < 10; ++round) {
    std::deque<std::size_t> cuts;
    for (int i = 0; i < 6; ++i) cuts.push_back(std::uniform_int_distribution<std::size_t>(0, 40'000)(random));
    hub.cut_bodies(cuts);
    const auto result = pull("hf:acme/tiny:q8_0");
    EXPECT_EQ(read_file(result.model.path), small_gguf() + std::string(200'000, 'x'));
    store.remove(result.model);
  }
  EXPECT_TRUE(is_untouched());
}

TEST_F(ModelPullTest, APullThatWasStoppedGoesOnAndIsListedMeanwhile) {
  hub.stall_bodies(100'000);
  std::stop_source stop;
  EXPECT_THROW(pull(
                   "hf:acme/tiny:q8_0",
                   [&](const PullProgress& p) {
                     if (p.download.bytes == 100'000) stop.request_stop();
                   },
                   stop.get_token()),
               Cancelled);
  const auto model = store.find("tiny-q8_0");
  EXPECT_FALSE(model.is_complete);
  EXPECT_EQ(model.size, 100'000u);
  hub.stall_bodies(std::nullopt);
  EXPECT_TRUE(pull("hf:acme/tiny:q8_0").model.is_complete);
  EXPECT_EQ(hub.storage().requests().back().header("Range"), "bytes=100000-");
}

TEST_F(ModelPullTest, PullsAFolderOfSafetensors) {
  FakeHub folder("acme/folder");
  folder.put("config.json", R"({"model_type":"llama"})", false);
  folder.put("tokenizer.json", std::string(50'000, ' ') + "{}", false);
  folder.put("model.safetensors", small_safetensors(), true);
  folder.put("model.onnx", "no", true);
  settings.endpoint = folder.endpoint();
  folder.cut_bodies({5, 20'000});
  std::vector<std::string> order;
  const auto result = pull("hf:acme/folder", [&](const PullProgress& p) {
    if (order.empty() || order.back() != p.file) order.push_back(p.file);
    EXPECT_EQ(p.n_files, 3u);
  });
  EXPECT_EQ(result.model.id, "acme/folder");
  EXPECT_TRUE(result.model.is_complete) << result.model.problem;
  EXPECT_EQ(result.model.details.architecture, "llama");
  EXPECT_EQ(result.n_files, 3u);
  EXPECT_EQ(order.back(), "model.safetensors");
  EXPECT_FALSE(fs::exists(root / "acme/folder/model.onnx"));
  ASSERT_TRUE(result.model.origin);
  EXPECT_EQ(result.model.origin->sha256, hex_encode(sha256(small_safetensors())));
}

TEST_F(ModelPullTest, ASmallFileThatIsNotWhatTheListSaysIsRefused) {
  FakeHub folder("acme/folder");
  folder.put("config.json", R"({"model_type":"llama"})", false);
  folder.put("model.safetensors", small_safetensors(), true);
  settings.endpoint = folder.endpoint();
  folder.intercept([](const RecordedRequest& seen) -> std::optional<ServerReply> {
    if (seen.method == "GET" && seen.target.ends_with("/config.json"))
      return http_reply(200, "text/plain",
                        R"({"model_type":"other"}))"
                        "\n");
    return std::nullopt;
  });
  error_of("hf:acme/folder", ErrorCode::corrupt_data);
}

TEST_F(ModelPullTest, AWrongChecksumIsSaid) {
  hub.storage().set_handler([](const RecordedRequest& request) {
    return file_reply(request, std::string(small_gguf().size(), '?'), {});
  });
  EXPECT_THAT(error_of("hf:acme/tiny", ErrorCode::corrupt_data), HasSubstr("checksum is wrong"));
  EXPECT_TRUE(is_untouched()) << "a failed pull left something behind";
}

TEST_F(ModelPullTest, ExplainsEachRefusal) {
  struct Case {
    int status;
    const char* headers;
    ErrorCode code;
    const char* says;
  };
  const Case cases[] = {
      {401, "X-Error-Code: GatedRepo\r\n", ErrorCode::forbidden, "accept its licence at"},
      {403, "X-Error-Code: GatedRepo\r\n", ErrorCode::forbidden, "set HF_TOKEN"},
      {403, "", ErrorCode::forbidden, "is gated"},
      {401, "X-Error-Code: RepoNotFound\r\n", ErrorCode::not_found, "there is no repository acme/tiny"},
      {401, "", ErrorCode::unauthorized, "or it is private"},
      {404, "X-Error-Code: RevisionNotFound\r\n", ErrorCode::not_found, "no revision main"},
      {404, "", ErrorCode::not_found, "there is no repository"},
      {429, "Retry-After: 300\r\n", ErrorCode::exhausted, "try again in 300 s or set HF_TOKEN"},
      {500, "", ErrorCode::unavailable, "status 500"},
      {418, "", ErrorCode::unavailable, "status 418"},
  };
  for (const Case& c : cases) {
    hub.intercept([&](const RecordedRequest&) {
      return http_reply(c.status, "application/json", R"({"error":"because\u001b[31m"})", c.headers);
    });
    const std::string message = error_of("hf:acme/tiny", c.code);
    EXPECT_THAT(message, HasSubstr(c.says));
    EXPECT_THAT(message, HasSubstr("because"));
    EXPECT_THAT(message, Not(HasSubstr("\x1b"))) << "a hub may not paint the terminal";
  }
  EXPECT_TRUE(is_untouched());
}

TEST_F(ModelPullTest, AGatedFileOfAnOpenListIsExplainedToo) {
  hub.intercept([](const RecordedRequest& seen) -> std::optional<ServerReply> {
    if (seen.target.starts_with("/api/")) return std::nullopt;
    return http_reply(403, "text/plain", "", "X-Error-Code: GatedRepo\r\n");
  });
  settings.token = "hf_x";
  EXPECT_THAT(error_of("hf:acme/tiny", ErrorCode::forbidden),
              HasSubstr("with the account that HF_TOKEN belongs to"));
  EXPECT_TRUE(is_untouched());
}

TEST_F(ModelPullTest, ListRequestsAreTriedAgainWhenThatMayHelp) {
  hub.hub().enqueue(http_reply(503, "text/plain", ""));
  hub.hub().enqueue(http_reply(429, "text/plain", "", "Retry-After: 0\r\n"));
  hub.hub().enqueue({CloseConnection{}});
  EXPECT_TRUE(pull("hf:acme/tiny").model.is_complete);
}

TEST_F(ModelPullTest, NamesTheNearestFilesAndAnUnknownRevision) {
  EXPECT_THAT(error_of("hf:acme/tiny:tiny-q4_k_n.gguf", ErrorCode::not_found), HasSubstr("tiny-q4_k_m.gguf"));
  EXPECT_THAT(error_of("hf:acme/tiny@v9", ErrorCode::not_found), HasSubstr("no revision v9"));
  EXPECT_THAT(error_of("hf:acme/other", ErrorCode::not_found), HasSubstr("no repository acme/other"));
}

TEST_F(ModelPullTest, AddressesFromTheBrowserMeanTheHub) {
  const auto result = pull(hub.endpoint() + "/acme/tiny/blob/main/tiny-q8_0.gguf");
  EXPECT_EQ(result.model.id, "acme/tiny/tiny-q8_0.gguf");
  EXPECT_EQ(result.model.origin->source, "hf:acme/tiny");
}

TEST_F(ModelPullTest, PullsFromAnyServerAndShowsNoKeyOfTheUrl) {
  HttpScriptServer web;
  web.set_handler(
      [](const RecordedRequest& seen) { return file_reply(seen, small_gguf(), {.etag = "\"1\""}); });
  settings.token = "hf_secret";
  const auto result = pull(web.url("/some/where/tiny.gguf?key=secret"));
  EXPECT_EQ(result.model.id, cat("127.0.0.1_", web.port(), "/tiny/tiny.gguf"));
  EXPECT_TRUE(result.model.is_complete);
  EXPECT_EQ(web.requests().at(0).target, "/some/where/tiny.gguf?key=secret");
  EXPECT_EQ(web.requests().at(0).header("Authorization"), "") << "the token is the hub's";
  EXPECT_EQ(result.model.origin->url, web.url("/some/where/tiny.gguf"));
  EXPECT_EQ(result.model.origin->sha256, hex_encode(sha256(small_gguf())));
  EXPECT_EQ(pull(web.url("/some/where/tiny.gguf?key=other")).transferred_bytes, 0u);
}

TEST_F(ModelPullTest, ChecksTheChecksumThatTheCallerKnows) {
  HttpScriptServer web;
  web.set_handler(
      [](const RecordedRequest& seen) { return file_reply(seen, small_gguf(), {.etag = "\"1\""}); });
  PullRequest request{web.url("/tiny.gguf"), std::string(64, 'a')};
  EXPECT_THROW(pull_model(store, http, settings, request, {}, {}, policy), CorruptData);
  request.sha256 = "short";
  EXPECT_THROW(pull_model(store, http, settings, request, {}, {}, policy), InvalidArgument);
  request.sha256 = hex_encode(sha256(small_gguf()));
  EXPECT_TRUE(pull_model(store, http, settings, request, {}, {}, policy).model.is_complete);
}

TEST_F(ModelPullTest, RefusesSourcesThatAreNone) {
  for (const char* bad : {"tiny", "acme/tiny", "hf:acme", "ftp://x/y.gguf", "http://127.0.0.1:1/",
                          "http://127.0.0.1:1/x.bin", "http://127.0.0.1:1/..%2fx.gguf", "http://"})
    error_of(bad, ErrorCode::invalid_argument);
  EXPECT_TRUE(is_untouched());
}

TEST_F(ModelPullTest, AnUnreachableHubIsUnavailable) {
  settings.endpoint = "http://127.0.0.1:1";
  EXPECT_THAT(error_of("hf:acme/tiny", ErrorCode::unavailable), HasSubstr("127.0.0.1:1"));
}

TEST_F(ModelPullTest, GoesThroughAProxy) {
  HttpScriptServer proxy;
  proxy.set_handler([&](const RecordedRequest& seen) {
    // What stands behind the proxy is the hub, under a name that only the proxy can resolve.
    const std::string target = replace_all(seen.target, "http://hub.invalid", "");
    if (target.starts_with("/api/")) {
      return http_reply(200, "application/json",
                        cat(R"([{"type":"file","path":"tiny.gguf","size":)", small_gguf().size(), "}]"));
    }
    return file_reply(seen, small_gguf(), {.etag = "\"1\""});
  });
  HttpClient::Options options;
  options.proxy.http_proxy = proxy.url();
  HttpClient proxied(options);
  settings.endpoint = "http://hub.invalid";
  const auto result = pull_model(store, proxied, settings, {"hf:acme/tiny", {}}, {}, {}, policy);
  EXPECT_TRUE(result.model.is_complete);
  for (const auto& seen : proxy.requests()) EXPECT_THAT(seen.target, HasSubstr("http://hub.invalid/"));
}

TEST_F(ModelPullTest, SaysHowMuchDiskSpaceIsMissingBeforeAnythingIsFetched) {
  hub.intercept([](const RecordedRequest& seen) -> std::optional<ServerReply> {
    if (!seen.target.starts_with("/api/")) return std::nullopt;
    return http_reply(200, "application/json",
                      R"([{"type":"file","path":"tiny-q4_k_m.gguf","size":900000000000000000}])");
  });
  EXPECT_THAT(error_of("hf:acme/tiny", ErrorCode::exhausted), HasSubstr("are missing"));
  EXPECT_EQ(hub.storage().n_requests(), 0u);
  EXPECT_TRUE(is_untouched());
}

TEST(HubSettings, ReadsTheCustomaryVariablesAndTheTokenFile) {
  static std::map<std::string, std::string> variables;
  const auto get = [](const char* name) -> const char* {
    const auto found = variables.find(name);
    return found == variables.end() ? nullptr : found->second.c_str();
  };
  const fs::path folder = fs::temp_directory_path() / new_id("hf");
  fs::create_directories(folder / ".cache/huggingface");
  std::ofstream(folder / ".cache/huggingface/token") << "hf_file\n";
  variables = {{"HOME", folder.string()}};
  EXPECT_EQ(HubSettings::from_environment(get).endpoint, "https://huggingface.co");
  EXPECT_EQ(HubSettings::from_environment(get).token, "hf_file");
  variables["HF_TOKEN"] = " hf_variable ";
  variables["HF_ENDPOINT"] = "https://mirror.example/";
  EXPECT_EQ(HubSettings::from_environment(get).token, "hf_variable");
  EXPECT_EQ(HubSettings::from_environment(get).endpoint, "https://mirror.example");
  variables = {{"HF_HOME", (folder / ".cache/huggingface").string()}};
  EXPECT_EQ(HubSettings::from_environment(get).token, "hf_file");
  variables = {{"HF_TOKEN_PATH", (folder / "absent").string()}};
  EXPECT_EQ(HubSettings::from_environment(get).token, "");
  variables = {{"HF_ENDPOINT", "mirror"}};
  EXPECT_THROW(HubSettings::from_environment(get), InvalidArgument);
  variables = {{"HF_TOKEN", "two words"}};
  EXPECT_THROW(HubSettings::from_environment(get), InvalidArgument);
  fs::remove_all(folder);
}

}  // namespace
}  // namespace quintet
