#include "apps/faq/matcher.h"

#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

namespace quintet::faq {
namespace {

FaqEntry entry(std::string question, std::string answer = "", std::vector<std::string> alternatives = {}) {
  FaqEntry out;
  out.id = question;
  out.question = std::move(question);
  out.answer = std::move(answer);
  out.alternatives = std::move(alternatives);
  return out;
}

std::vector<FaqEntry> product_faq() {
  return {
      entry("How do I reset my password?", "Open Settings, choose Security. We send you a link by e-mail."),
      entry("Which payment methods do you accept?", "We accept Visa, Mastercard, PayPal and bank transfer."),
      entry("How long does delivery take?", "Orders arrive within three to five working days in Europe."),
      entry("Can I return a product?", "You can return unused products within 30 days for a full refund."),
      entry("How do I contact customer support?", "Write to us or call us from 9 to 17."),
      entry("Where can I download my invoice?",
            "Invoices are on the Billing page of your account as PDF files."),
      entry("Do you ship internationally?", "Yes, to more than 60 countries."),
      entry("How do I cancel my subscription?", "Go to Billing and click Cancel plan."),
      entry("Is there a student discount?", "Students get 20 percent off with a university e-mail address."),
      entry("How do I change my delivery address?",
            "Edit the address in your profile before the parcel leaves."),
      entry("What is the warranty period?", "All devices have a two year warranty."),
      entry("How do I update the firmware?", "Connect the device with USB and start the updater."),
      entry("Does the speaker work with Bluetooth?", "Yes, Bluetooth 5.2 with AAC and aptX."),
      entry("How long does the battery last?", "About 12 hours at medium volume."),
      entry("Is the speaker waterproof?", "It is splash proof (IPX4)."),
      entry("Can I use the speaker while charging?", "Yes, playing while charging is fine."),
      entry("How do I delete my account?", "Send us a request from the Privacy page."),
      entry("Where is my data stored?", "On servers in Frankfurt, Germany."),
      entry("Do you offer gift cards?", "Yes, from 10 to 200 euro in the shop."),
      entry("How do I pair two speakers for stereo?", "Hold the pairing button on both for five seconds."),
  };
}

/// Entries about made-up topics with `n` phrasings each: enough for the linear model.
std::vector<FaqEntry> topics(std::size_t n_entries, std::size_t n_phrasings) {
  const std::vector<std::string> frames = {"how do I open the", "where is the",       "my",
                                           "I lost the",        "please explain the", "what about a",
                                           "can you fix my",    "tell me about the",  "is there a",
                                           "I need a"};
  std::vector<FaqEntry> out;
  for (std::size_t e = 0; e < n_entries; ++e) {
    const std::string topic =
        "topic" + std::string(1, static_cast<char>('a' + e)) + "x item" + std::to_string(e * 37);
    FaqEntry next = entry("about " + topic);
    for (std::size_t p = 0; p < n_phrasings; ++p)
      next.alternatives.push_back(frames[p % frames.size()] + " " + topic);
    out.push_back(next);
  }
  return out;
}

std::string best_of(const MatchResult& result, const std::vector<FaqEntry>& entries) {
  return result.ranked.empty() ? "" : entries[result.ranked[0].entry].id;
}

TEST(Matcher, AnswersParaphrasesThatShareTheKeyWords) {
  const auto entries = product_faq();
  const auto matcher = Matcher::train(entries);
  const std::vector<std::pair<std::string, std::size_t>> questions = {
      {"I forgot my password, what now?", 0},
      {"how can i reset the pasword", 0},
      {"PASSWORD RESET", 0},
      {"how to reach support", 4},
      {"cancel subscription", 7},
      {"how to remove my account", 16},
      {"stereo pair", 19},
      {"Is there any DISCOUNT for students", 8}};
  for (const auto& [question, expected] : questions) {
    const MatchResult result = matcher->match(question);
    EXPECT_EQ(best_of(result, entries), entries[expected].id) << question;
    EXPECT_TRUE(result.answerable) << question << ": "
                                   << (result.ranked.empty() ? 0.0 : result.ranked[0].confidence);
  }
}

TEST(Matcher, RefusesQuestionsThatNoEntryIsAbout) {
  const auto matcher = Matcher::train(product_faq());
  for (const auto* question :
       {"What's the capital of France?", "Who won the world cup in 2018?",
        "What is the best recipe for lasagna?", "how do I bake a cake", "What is the meaning of life?",
        "Write me a poem about cats", "how", "what is this", "How do I get to the airport?",
        "Is there life on Mars?", "How long does it take to learn piano?"}) {
    const MatchResult result = matcher->match(question);
    EXPECT_FALSE(result.answerable) << question << ": " << result.ranked[0].confidence;
  }
}

TEST(Matcher, AnEntrysOwnWordingIsAlwaysAnswered) {
  for (const auto& entries : {product_faq(), topics(12, 8)}) {
    const auto matcher = Matcher::train(entries);
    for (std::size_t e = 0; e < entries.size(); ++e) {
      const MatchResult result = matcher->match(entries[e].question);
      ASSERT_FALSE(result.ranked.empty());
      EXPECT_EQ(result.ranked[0].entry, e);
      EXPECT_TRUE(result.answerable) << entries[e].question;
    }
  }
}

TEST(Matcher, ChoosesTheLinearModelWhereThereArePhrasingsToLearnFrom) {
  EXPECT_EQ(Matcher::train(product_faq())->method(), MatchMethod::neighbours);
  EXPECT_EQ(Matcher::train(topics(12, 8))->method(), MatchMethod::linear);
  EXPECT_EQ(Matcher::train(topics(12, 8), {.threshold = {}, .linear_budget = 10})->method(),
            MatchMethod::neighbours);
}

TEST(Matcher, BothMethodsFindTheTopicAndRefuseAStranger) {
  const auto entries = topics(20, 8);
  for (const std::size_t budget : {std::size_t{0}, std::size_t{1'000'000}}) {
    const auto matcher = Matcher::train(entries, {.threshold = {}, .linear_budget = budget});
    for (std::size_t e = 0; e < entries.size(); ++e) {
      const auto result = matcher->match("would you show me " + entries[e].question.substr(6));
      ASSERT_FALSE(result.ranked.empty());
      EXPECT_EQ(result.ranked[0].entry, e);
    }
    EXPECT_FALSE(matcher->match("where does the blue whale sleep").answerable);
  }
}

TEST(Matcher, RanksBestFirstWithinTopKAndConfidenceInRange) {
  const auto matcher = Matcher::train(product_faq());
  for (const std::size_t top_k : {0u, 1u, 3u, 100u}) {
    const MatchResult result = matcher->match("delivery address of my speaker account", top_k);
    EXPECT_LE(result.ranked.size(), top_k);
    for (std::size_t i = 0; i < result.ranked.size(); ++i) {
      EXPECT_GE(result.ranked[i].confidence, 0.0);
      EXPECT_LE(result.ranked[i].confidence, 1.0);
      if (i > 0) EXPECT_LE(result.ranked[i].confidence, result.ranked[i - 1].confidence);
    }
  }
}

TEST(Matcher, AThresholdFromTheOptionsDecides) {
  const auto lenient = Matcher::train(product_faq(), {.threshold = 0.0});
  EXPECT_TRUE(lenient->match("What's the capital of France?").answerable);
  const auto strict = Matcher::train(product_faq(), {.threshold = 0.9999});
  EXPECT_FALSE(strict->match("I forgot my password, what now?").answerable);
  EXPECT_EQ(strict->threshold(), 0.9999);
}

TEST(Matcher, WorksWithNoEntriesAndWithOne) {
  const auto none = Matcher::train({});
  EXPECT_TRUE(none->match("anything").ranked.empty());
  EXPECT_FALSE(none->match("anything").answerable);
  const std::vector<FaqEntry> one = {entry("How do I reset my password?", "In Settings.")};
  const auto matcher = Matcher::train(one);
  EXPECT_TRUE(matcher->match("reset password").answerable);
  EXPECT_FALSE(matcher->match("What's the capital of France?").answerable);
}

TEST(Matcher, AcceptsAnyBytes) {
  std::vector<FaqEntry> entries = product_faq();
  entries.push_back(entry("", ""));
  entries.push_back(entry("\xFF\xFE", "\xC3"));
  const auto matcher = Matcher::train(entries);
  EXPECT_FALSE(matcher->match("").answerable);
  EXPECT_FALSE(matcher->match("?!?").answerable);
  EXPECT_FALSE(matcher->match("\xFF\xFE\x80").answerable);
  EXPECT_EQ(best_of(matcher->match("reset\xFFpassword"), entries), "How do I reset my password?");
  std::string huge = "reset my password ";
  while (huge.size() < (1u << 20)) huge += "lorem ipsum dolor ";
  EXPECT_LE(matcher->match(huge).ranked.size(), 5u);
  EXPECT_LE(matcher->match(std::string(1u << 20, 'a')).ranked.size(), 5u);
}

TEST(Matcher, ReadsOtherScriptsAndAccents) {
  const std::vector<FaqEntry> entries = {
      entry("如何重置密码？", "打开设置。"),
      entry("配送需要多长时间？", "三到五天。"),
      entry("Как сбросить пароль?", "В настройках."),
      entry("Сколько стоит доставка?", "Пять евро."),
      entry("كيف أعيد تعيين كلمة المرور؟", "الإعدادات"),
      entry("كم تكلفة الشحن؟", "خمسة يورو"),
      entry("Wie ändere ich meine Lieferadresse?", "Im Profil."),
      entry("パスワードを忘れました", "設定を開く"),
      entry("비밀번호를 어떻게 재설정하나요?", "설정"),
  };
  const auto matcher = Matcher::train(entries);
  const std::vector<std::pair<std::string, std::size_t>> questions = {
      {"我要重置密码", 0},           {"配送时间多长", 1},       {"сбросить пароль", 2},
      {"доставка сколько стоит", 3}, {"تعيين كلمة المرور", 4},  {"تكلفة الشحن", 5},
      {"lieferadresse andere", 6},   {"パスワードを忘れた", 7}, {"비밀번호 재설정", 8}};
  for (const auto& [question, expected] : questions) {
    const MatchResult result = matcher->match(question);
    EXPECT_EQ(best_of(result, entries), entries[expected].id) << question;
    EXPECT_TRUE(result.answerable) << question << ": "
                                   << (result.ranked.empty() ? 0.0 : result.ranked[0].confidence);
  }
  EXPECT_FALSE(matcher->match("法国的首都是哪里").answerable);
  EXPECT_FALSE(matcher->match("столица Франции").answerable);
}

TEST(Matcher, TheAnswersWordsHelpToFindTheEntry) {
  const auto entries = product_faq();
  const auto matcher = Matcher::train(entries);
  EXPECT_EQ(best_of(matcher->match("can I pay with PayPal"), entries),
            "Which payment methods do you accept?");
  EXPECT_EQ(best_of(matcher->match("Frankfurt servers"), entries), "Where is my data stored?");
}

TEST(Matcher, TrainingTwiceGivesTheSameConfidences) {
  const auto entries = topics(12, 9);
  const auto a = Matcher::train(entries);
  const auto b = Matcher::train(entries);
  EXPECT_EQ(a->threshold(), b->threshold());
  for (const auto* question : {"open topicax", "topicbx lost item", "nothing at all"}) {
    const MatchResult x = a->match(question);
    const MatchResult y = b->match(question);
    ASSERT_EQ(x.ranked.size(), y.ranked.size());
    for (std::size_t i = 0; i < x.ranked.size(); ++i)
      EXPECT_EQ(x.ranked[i].confidence, y.ranked[i].confidence);
  }
}

TEST(Matcher, MayBeAskedFromManyThreads) {
  const auto entries = product_faq();
  const auto matcher = Matcher::train(entries);
  const double expected = matcher->match("cancel subscription").ranked[0].confidence;
  std::vector<std::thread> threads;
  std::vector<int> n_same(4, 0);
  for (std::size_t t = 0; t < n_same.size(); ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 200; ++i) {
        n_same[t] += matcher->match("cancel subscription").ranked[0].confidence == expected ? 1 : 0;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const int n : n_same) EXPECT_EQ(n, 200);
}

}  // namespace
}  // namespace quintet::faq
