#include "core/options.h"

#include <fstream>
#include <map>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/error.h"
#include "testing/scratch_folder.h"

namespace quintet {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

constexpr OptionSpec kTable[] = {
    {"serve.port", OptionType::integer, "8321", "the port"},
    {"serve.timeout", OptionType::duration, "30s", "patience"},
    {"serve.max_upload", OptionType::bytes, "16MB", "the largest upload"},
    {"serve.open", OptionType::boolean, "false", "open a browser"},
    {"serve.origins", OptionType::text_list, "", "who may embed"},
    {"faq.threshold", OptionType::number, "0.5", "when to answer"},
    {"home", OptionType::text, "", "where the data lives"},
    {"openai.key", OptionType::text, "", "the key", true, "OPENAI_API_KEY"},
    {"openai.retry.limit", OptionType::integer, "3", "a name with three parts"},
};

std::map<std::string, std::string>& environment() {
  static std::map<std::string, std::string> variables;
  return variables;
}
const char* get_variable(const char* name) {
  const auto found = environment().find(name);
  return found == environment().end() ? nullptr : found->second.c_str();
}

class OptionsTest : public testing::Test {
 protected:
  void SetUp() override { environment().clear(); }

  void read_toml(const std::string& text) {
    std::ofstream(folder_ / "quintet.toml") << text;
    options_.read_toml(folder_ / "quintet.toml");
  }
  std::string origin(std::string_view name) const {
    for (const auto& row : options_.table())
      if (row.name == name) return options_.shown(row).origin;
    return "no such option";
  }
  template <typename Call>
  static std::string problem(const Call& call) {
    try {
      call();
      return "accepted";
    } catch (const InvalidArgument& error) {
      return error.what();
    }
  }
  std::string toml_problem(const std::string& text) {
    return problem([&] { read_toml(text); });
  }

  ScratchFolder folder_;
  Options options_{kTable};
};

TEST_F(OptionsTest, DefaultsHoldUntilSomethingIsSet) {
  EXPECT_EQ(options_.integer("serve.port"), 8321);
  EXPECT_EQ(options_.milliseconds("serve.timeout"), 30'000);
  EXPECT_EQ(options_.bytes("serve.max_upload"), 16u << 20);
  EXPECT_FALSE(options_.boolean("serve.open"));
  EXPECT_TRUE(options_.text_list("serve.origins").empty());
  EXPECT_EQ(options_.number("faq.threshold"), 0.5);
  EXPECT_EQ(options_.text_if_set("home"), std::nullopt);
  EXPECT_EQ(origin("serve.port"), "default");
}

TEST_F(OptionsTest, CommandLineBeatsEnvironmentBeatsFileBeatsDefault) {
  read_toml("home = '/toml'\n[serve]\nport = 1\ntimeout = '1s'\n");
  environment() = {{"QUINTET_SERVE_PORT", "2"}, {"QUINTET_SERVE_TIMEOUT", "2s"}};
  options_.read_environment(get_variable);
  options_.set("serve.port", "3", "command line");

  EXPECT_EQ(options_.integer("serve.port"), 3);
  EXPECT_EQ(origin("serve.port"), "command line");
  EXPECT_EQ(options_.milliseconds("serve.timeout"), 2000);
  EXPECT_EQ(origin("serve.timeout"), "environment QUINTET_SERVE_TIMEOUT");
  EXPECT_EQ(options_.text("home"), "/toml");
  EXPECT_EQ(origin("home"), "quintet.toml line 1");
}

TEST_F(OptionsTest, TomlValuesOfEveryTypeAreRead) {
  read_toml(
      "[serve]\nport = 80\ntimeout = \"5m\"\nmax_upload = \"64KB\"\nopen = true\norigins = [\"https://a\", "
      "\"https://b\"]\n[faq]\nthreshold = 0.75\n[openai.retry]\nlimit = 7\n");
  EXPECT_EQ(options_.integer("serve.port"), 80);
  EXPECT_EQ(options_.milliseconds("serve.timeout"), 300'000);
  EXPECT_EQ(options_.bytes("serve.max_upload"), 65'536u);
  EXPECT_TRUE(options_.boolean("serve.open"));
  EXPECT_THAT(options_.text_list("serve.origins"), ElementsAre("https://a", "https://b"));
  EXPECT_EQ(options_.number("faq.threshold"), 0.75);
  EXPECT_EQ(options_.integer("openai.retry.limit"), 7);
  EXPECT_EQ(origin("faq.threshold"), "quintet.toml line 8");
}

TEST_F(OptionsTest, TheCustomaryVariableGivesWayToOurOwn) {
  environment() = {{"OPENAI_API_KEY", "theirs"}};
  options_.read_environment(get_variable);
  EXPECT_EQ(options_.text("openai.key"), "theirs");
  EXPECT_EQ(origin("openai.key"), "environment OPENAI_API_KEY");
  environment()["QUINTET_OPENAI_KEY"] = "ours";
  options_.read_environment(get_variable);
  EXPECT_EQ(options_.text("openai.key"), "ours");
}

TEST_F(OptionsTest, AnEmptyVariableIsATextButNoNumber) {
  read_toml("home = '/toml'\n[serve]\nport = 1\n");
  environment() = {{"QUINTET_SERVE_PORT", ""}, {"QUINTET_HOME", ""}};
  options_.read_environment(get_variable);
  EXPECT_EQ(options_.integer("serve.port"), 1);
  EXPECT_EQ(options_.text_if_set("home"), std::nullopt);
}

TEST_F(OptionsTest, AMisspeltKeyIsAnsweredWithTheNearestAndItsLine) {
  EXPECT_THAT(toml_problem("[serve]\nprot = 80\n"),
              AllOf(HasSubstr("quintet.toml line 2"), HasSubstr("there is no option serve.prot"),
                    HasSubstr("did you mean serve.port?")));
  EXPECT_THAT(toml_problem("[entirely]\ndifferent_words = 1\n"), Not(HasSubstr("did you mean")));
}

TEST_F(OptionsTest, AWrongValueNamesItsPlaceAndWhatWouldWork) {
  EXPECT_THAT(toml_problem("\n[serve]\nport = \"eighty\"\n"),
              AllOf(HasSubstr("quintet.toml line 3"), HasSubstr("option serve.port must be a whole number"),
                    HasSubstr("not \"eighty\"")));
  EXPECT_THAT(toml_problem("[serve]\ntimeout = 10\n"), HasSubstr("500ms, 10s, 5m or 2h"));
  EXPECT_THAT(toml_problem("[faq]\nthreshold = nan\n"), HasSubstr("must be a number"));
  EXPECT_THAT(toml_problem("[serve]\nport = [1]\n"), HasSubstr("line 2"));
  EXPECT_THAT(toml_problem("[serve]\nport = 1979-05-27\n"), HasSubstr("line 2"));
  environment() = {{"QUINTET_SERVE_PORT", "x"}};
  EXPECT_THAT(problem([&] { options_.read_environment(get_variable); }),
              AllOf(HasSubstr("QUINTET_SERVE_PORT"), HasSubstr("must be a whole number")));
}

TEST_F(OptionsTest, BrokenTomlNamesLineAndColumn) {
  EXPECT_THAT(toml_problem("[serve]\nport = = 1\n"), HasSubstr("quintet.toml line 2, column"));
  EXPECT_THROW(options_.read_toml(folder_ / "missing.toml"), NotFound);
}

TEST_F(OptionsTest, QuantitiesHaveUnitsAndLimits) {
  for (const auto& [text, milliseconds] : std::map<std::string, std::int64_t>{{"500ms", 500},
                                                                              {"10s", 10'000},
                                                                              {"5m", 300'000},
                                                                              {"2h", 7'200'000},
                                                                              {"1d", 86'400'000},
                                                                              {"0", 0},
                                                                              {"1 S", 1000}}) {
    options_.set("serve.timeout", text, "command line");
    EXPECT_EQ(options_.milliseconds("serve.timeout"), milliseconds) << text;
  }
  options_.set("serve.max_upload", "123", "command line");
  EXPECT_EQ(options_.bytes("serve.max_upload"), 123u);
  for (const char* text :
       {"", "-1s", "1.5s", "s", "10 parsecs", "9223372036854775807h", "99999999999999999999s"})
    EXPECT_THROW(options_.set("serve.timeout", text, "command line"), InvalidArgument) << text;
}

TEST_F(OptionsTest, SecretsAreMaskedWhereverTheyAreShown) {
  const auto shown = [&](const std::string& key) {
    options_.set("openai.key", key, "command line");
    return options_.shown(kTable[7]).text;
  };
  EXPECT_EQ(shown(""), "");
  EXPECT_EQ(shown("short"), "****");
  EXPECT_EQ(shown("sk-0123456789abcdef"), "****cdef");

  constexpr OptionSpec kSecretNumber[] = {{"pin", OptionType::integer, "0", "", true}};
  Options options(kSecretNumber);
  EXPECT_THAT(problem([&] { options.set("pin", "hunter2", "command line"); }), Not(HasSubstr("hunter2")));
}

TEST(OptionNames, HaveAVariable) {
  EXPECT_EQ(environment_name("serve.max-upload"), "QUINTET_SERVE_MAX_UPLOAD");
}

}  // namespace
}  // namespace quintet
