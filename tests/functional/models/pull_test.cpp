#include <filesystem>
#include <random>
#include <string>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/files.h"
#include "core/ids.h"
#include "core/text.h"
#include "server_process.h"
#include "testing/fake_hub.h"

namespace quintet::functional {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

/// Long enough that a pull can be killed in the middle of it. It is no model: what is tested are its bytes.
std::string long_content() {
  std::mt19937 random(5);
  std::string content(8'000'000, '\0');
  for (char& c : content) c = static_cast<char>(random());
  return content;
}

class Pull : public testing::Test {
 protected:
  Pull() : content(long_content()) { hub.put("tiny-q8_0.gguf", content, true); }

  LaunchOptions options(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), "models");
    return {folder.path(), std::move(arguments), {{"HF_ENDPOINT", hub.endpoint()}}};
  }
  std::filesystem::path file() const {
    return data_folder(folder.path()) / "models/acme/tiny/tiny-q8_0.gguf";
  }

  std::string content;
  FakeHub hub;
  ScratchFolder folder;
};

TEST_F(Pull, GoesOnAfterEachOfManyKills) {
  std::mt19937 random(3);
  const std::filesystem::path part = file().string() + ".part";
  std::error_code ignored;
  std::uintmax_t most = 0;
  int n_further = 0;
  int slowness = 1;
  // Later kills where this machine is too slow to get far before them.
  for (int n_rounds = 0; n_further < 4; ++n_rounds) {
    ASSERT_LT(n_rounds, 200) << "the pull gets nowhere";
    LaunchOptions killed = options({"pull", "hf:acme/tiny"});
    killed.kill_after =
        std::chrono::milliseconds(std::uniform_int_distribution<int>(5, 60)(random) * slowness);
    hub.stall_bodies(std::uniform_int_distribution<std::size_t>(1, 1'500'000)(random));
    EXPECT_EQ(run_quintet(killed).status, 128 + 9);
    EXPECT_FALSE(std::filesystem::exists(file()));
    const auto size = std::filesystem::exists(part, ignored) ? std::filesystem::file_size(part) : 0;
    EXPECT_GE(size, most) << "a kill lost what had arrived";
    if (size > most) {
      ++n_further;
    } else {
      slowness *= 2;
    }
    most = size;
  }
  hub.stall_bodies(std::nullopt);
  // The bytes are right; that they are no GGUF file is said, with status 3.
  const auto last = run_quintet(options({"pull", "hf:acme/tiny"}));
  EXPECT_EQ(last.status, 3);
  EXPECT_THAT(last.err, HasSubstr("tiny-q8_0"));
  EXPECT_EQ(read_file(file()), content);
  EXPECT_FALSE(std::filesystem::exists(file().string() + ".part"));
  EXPECT_EQ(hub.storage().requests().back().header("Range"), cat("bytes=", most, "-"));
}

TEST_F(Pull, TwoProcessesAtOnceLeaveOneWholeFile) {
  CommandResult other;
  std::jthread second([&] { other = run_quintet(options({"pull", "hf:acme/tiny"})); });
  run_quintet(options({"pull", "hf:acme/tiny"}));
  second.join();
  EXPECT_EQ(hub.storage().n_requests(), 1u) << "the file was transferred twice";
  EXPECT_EQ(read_file(file()), content);
}

TEST_F(Pull, WhatIsWrongIsSaidWithItsStatus) {
  EXPECT_EQ(run_quintet(options({"pull", "acme/tiny"})).status, 2);
  const auto missing = run_quintet(options({"pull", "hf:acme/tiny:tiny-q8_1.gguf"}));
  EXPECT_EQ(missing.status, 2);
  EXPECT_THAT(missing.err, HasSubstr("tiny-q8_0.gguf"));
  hub.require_token("hf_x");
  const auto gated = run_quintet(options({"pull", "hf:acme/tiny"}));
  EXPECT_EQ(gated.status, 3);
  EXPECT_THAT(gated.err, HasSubstr("set HF_TOKEN"));
  EXPECT_EQ(run_quintet(options({"where", "tiny"})).status, 2);
  EXPECT_EQ(run_quintet(options({"list", "--json"})).out, "[]\n");
}

}  // namespace
}  // namespace quintet::functional
