#include <random>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/error.h"
#include "core/text.h"
#include "formats/tokenizer_files.h"
#include "tokenizer/charsmap.h"
#include "tokenizer/normalizer.h"
#include "tokenizer/pre_tokenizer.h"
#include "tokenizer/regex.h"
#include "tokenizer/scanners.h"
#include "tokenizer/unicode_classes.h"

using namespace quintet;
using testing::ElementsAre;

namespace {

std::vector<std::string> parts_of(const std::vector<PreTokenizerStep>& steps, std::string_view text) {
  const PreTokenizer pre_tokenizer(steps);
  PreTokenizedText pre_tokenized;
  pre_tokenized.reset(text);
  pre_tokenizer.run(pre_tokenized, true);
  std::vector<std::string> parts;
  for (const Stretch stretch : pre_tokenized.stretches) {
    parts.emplace_back(pre_tokenized.text.substr(stretch.begin, stretch.end - stretch.begin));
  }
  return parts;
}

std::vector<std::string> named_parts(std::string_view name, std::string_view text) {
  return parts_of(known_pre_tokenizer(name).steps, text);
}

std::vector<std::string> matches_of(std::string_view pattern, std::string_view text) {
  const Regex regex(pattern);
  std::vector<Regex::Match> matches;
  Regex::Matcher(regex).find_all(text, 0, matches);
  std::vector<std::string> parts;
  for (const Regex::Match& match : matches)
    parts.emplace_back(text.substr(match.begin, match.end - match.begin));
  return parts;
}

std::string random_text(std::mt19937& random, std::size_t n) {
  constexpr char32_t kCharacters[] = {
      'a',   'B',    's',   'l',    'L',    'T',     '1',  '2',    ' ',   ' ',      '\n',   '\r',
      '\t',  '\'',   '.',   '/',    '_',    0xA0,    0xBD, 0xE9,   0x17F, 0x1C5,    0x2B0,  0x301,
      0x660, 0x4E2D, 0x903, 0x2028, 0x20AC, 0x1F600, 0x85, 0x200D, 0x378, 0x10FFFF, 0x2160, 0x1E9E};
  std::string text;
  for (std::size_t i = 0; i < n; ++i) append_utf8(text, kCharacters[random() % std::size(kCharacters)]);
  return text;
}

}  // namespace

TEST(Scanner, CutsWhereItsPatternMatches) {
  std::vector<std::string> patterns{std::string(kGpt2Pattern), std::string(kCl100kPattern),
                                    std::string(kO200kPattern)};
  for (const char* name : {"qwen2", "qwen35", "tekken"}) {
    patterns.push_back(std::get<SplitPattern>(known_pre_tokenizer(name).steps[0]).pattern);
  }
  std::mt19937 random(3);
  for (const std::string& pattern : patterns) {
    const auto scanner = make_scanner(pattern);
    ASSERT_NE(scanner, nullptr) << pattern;
    const Regex regex(pattern);
    Regex::Matcher matcher(regex);
    std::vector<Regex::Match> matches;
    for (int round = 0; round < 500; ++round) {
      const std::string text = random_text(random, random() % 40);
      std::vector<Stretch> stretches;
      scanner->scan(text, {0, static_cast<std::uint32_t>(text.size())}, stretches);
      matches.clear();
      matcher.find_all(text, 0, matches);
      ASSERT_EQ(stretches.size(), matches.size()) << pattern << " on " << text;
      for (std::size_t i = 0; i < matches.size(); ++i) {
        ASSERT_EQ(stretches[i].begin, matches[i].begin) << pattern << " on " << text;
        ASSERT_EQ(stretches[i].end, matches[i].end) << pattern << " on " << text;
      }
    }
  }
  EXPECT_EQ(make_scanner(R"(\p{L}+)"), nullptr);
}

TEST(Scanner, LosesNoIllFormedByte) {
  const std::string text = "ab\xFF\xFE cd\xE4\xB8 \xF0\x9F\x98";
  for (const std::string_view pattern : {kGpt2Pattern, kCl100kPattern, kO200kPattern}) {
    std::vector<Stretch> stretches;
    make_scanner(pattern)->scan(text, {0, static_cast<std::uint32_t>(text.size())}, stretches);
    std::string all;
    for (const Stretch stretch : stretches) all += text.substr(stretch.begin, stretch.end - stretch.begin);
    EXPECT_EQ(all, text);
  }
}

TEST(PreTokenizer, SplitsAsTheFamiliesDo) {
  EXPECT_THAT(named_parts("gpt-2", "I'm 2024  x\n\n"), ElementsAre("I", "'m", " 2024", " ", " x", "\n\n"));
  EXPECT_THAT(named_parts("llama-bpe", "I'M 12345\n x"),
              ElementsAre("I", "'M", " ", "123", "45", "\n", " x"));
  EXPECT_THAT(named_parts("qwen2", "a12"), ElementsAre("a", "1", "2"));
  EXPECT_THAT(named_parts("gpt-4o", "McDonaldHTTP's"), ElementsAre("Mc", "Donald", "HTTP's"));
  EXPECT_THAT(named_parts("tekken", "HTTP's"), ElementsAre("HTTP", "'s"));
  EXPECT_THAT(named_parts("starcoder", "x 12"), ElementsAre("x", " ", "1", "2"));
  EXPECT_THAT(named_parts("falcon", "a,b 12345"), ElementsAre("a", ",", "b", " ", "123", "45"));
  EXPECT_THAT(named_parts("bloom", "a, b|c"), ElementsAre("a", ",", " b", "|", "c"));
  EXPECT_THAT(named_parts("deepseek-v3", "\u4e2d\u6587 a1234"),
              ElementsAre("\u4e2d\u6587", " a", "123", "4"));
  EXPECT_THAT(named_parts("superbpe", "1234567"), ElementsAre("1", "234", "567"));
}

TEST(PreTokenizer, AppliesEachBehaviorOfSplit) {
  const auto with = [](SplitBehavior behavior, bool invert = false) {
    return parts_of({SplitPattern{"-", false, behavior, invert}}, "a--b-c");
  };
  EXPECT_THAT(with(SplitBehavior::removed), ElementsAre("a", "b", "c"));
  EXPECT_THAT(with(SplitBehavior::isolated), ElementsAre("a", "-", "-", "b", "-", "c"));
  EXPECT_THAT(with(SplitBehavior::merged_with_previous), ElementsAre("a-", "-", "b-", "c"));
  EXPECT_THAT(with(SplitBehavior::merged_with_next), ElementsAre("a", "-", "-b", "-c"));
  EXPECT_THAT(with(SplitBehavior::contiguous), ElementsAre("a", "--", "b", "-", "c"));
  EXPECT_THAT(with(SplitBehavior::removed, true), ElementsAre("-", "-", "-"));
}

TEST(PreTokenizer, MarksBlanksWithMetaspace) {
  EXPECT_THAT(parts_of({SplitMetaspace{}}, "a  b"), ElementsAre("\u2581a", "\u2581", "\u2581b"));
  EXPECT_THAT(parts_of({SplitMetaspace{"\u2581", PrependScheme::never, false}}, "a b"),
              ElementsAre("a\u2581b"));
  EXPECT_THAT(parts_of({SplitWordsAndSymbols{}}, "don't  x_1!"), ElementsAre("don", "'", "t", "x_1", "!"));
}

TEST(Regex, TranslatesTheDialectOfTokenizerFiles) {
  EXPECT_THAT(matches_of(R"(\s)", "a\u0085b\u180ec\u3000"), ElementsAre("\u0085", "\u3000"))
      << "White_Space only";
  EXPECT_THAT(matches_of(R"([^(\s|[.,!?])]+)", "a.b)c|d"), ElementsAre("a", "b", "c", "d"));
  EXPECT_THAT(matches_of(R"([\p{L}&&[^\p{Han}]]+)", "ab\u4e2dc"), ElementsAre("ab", "c"));
  EXPECT_THAT(matches_of(R"((?i:'s))", "'S '\u017f"), ElementsAre("'S", "'\u017f"));
  EXPECT_THAT(matches_of(R"(\p{L}+)", "\U00031350"), ElementsAre("\U00031350"))
      << "a letter since Unicode 15";
  EXPECT_THAT(matches_of(R"(\p{Han}+)", "\u4e2d\u337f"), ElementsAre("\u4e2d"))
      << "the script, not its extensions";
  EXPECT_THAT(matches_of(R"(\d\b)", "1\u2460 2a 3"), ElementsAre("1", "3"))
      << "a circled number is no part of a word";
  EXPECT_THAT(matches_of(R"([]a]+)", "a]b"), ElementsAre("a]"));
  EXPECT_THAT(matches_of(R"(\p{N}{1,3}+)", "12345"), ElementsAre("123", "45"));
}

TEST(Regex, RefusesWhatItCannotRun) {
  EXPECT_THROW(Regex("("), CorruptData);
  EXPECT_THROW(Regex("[a"), CorruptData);
  EXPECT_THROW(Regex(R"(\p{NoSuch})"), CorruptData);
  EXPECT_THROW(Regex(std::string(100'000, 'a')), CorruptData);
  EXPECT_THROW(Regex(std::string(100, '[')), CorruptData);
  EXPECT_THROW(Regex("[a[^b]]"), Unsupported);
}

TEST(Regex, GivesUpOnAPatternThatNeedsForever) {
  EXPECT_THROW(matches_of("(a+)+$", std::string(64, 'a') + "b"), Exhausted);
}

TEST(Regex, MatchesAroundIllFormedBytes) {
  EXPECT_THAT(matches_of(R"(\p{L}+)",
                         "ab\xFF"
                         "cd\xE4\xB8"),
              ElementsAre("ab", "cd"));
}

TEST(Normalizer, AppliesItsStepsInOrder) {
  const auto run = [](std::vector<NormalizerStep> steps, std::string_view text) {
    return Normalizer(steps, {}).run(text);
  };
  EXPECT_EQ(run({NormalizeUnicode{UnicodeForm::nfc}}, "xe\u0301\u0323y"), "x\u1eb9\u0301y");
  EXPECT_EQ(run({NormalizeUnicode{UnicodeForm::nfd}}, "\u00e9"), "e\u0301");
  EXPECT_EQ(run({NormalizeUnicode{UnicodeForm::nfkc}}, "\ufb01\u2460"), "fi1");
  EXPECT_EQ(run({NormalizeUnicode{UnicodeForm::nfc}},
                "a\xFF"
                "e\u0301"),
            "a\xFF\u00e9");
  EXPECT_EQ(run({NormalizeLowercase{}}, "\u0130\u03a3\u1e9e"), "i\u0307\u03c3\u00df");
  EXPECT_EQ(run({NormalizePrepend{"_"}, NormalizeReplace{" ", false, "_"}}, "a b"), "_a_b");
  EXPECT_EQ(run({NormalizePrepend{"_"}}, ""), "");
  EXPECT_EQ(run({NormalizeReplace{" {2,}", true, "_"}}, "a  b c"), "a_b c");
  EXPECT_EQ(run({NormalizeStrip{true, false}}, " \u3000a "), "a ");
  EXPECT_EQ(run({NormalizeBert{}}, "\u00c9\u200b\tX\u4e2d"), "e x \u4e2d ");
  EXPECT_EQ(run({NormalizeStripAccents{}}, "e\u0301"), "e");
}

TEST(Normalizer, TreatsBlanksAsSentencePieceDoes) {
  const auto run = [](bool remove_extra, std::string_view text) {
    NormalizeSentencePiece step;
    step.remove_extra_whitespaces = remove_extra;
    return Normalizer({step}, {"x y"}).run(text);
  };
  EXPECT_EQ(run(true, "  a   b  "), "\u2581a\u2581b");
  EXPECT_EQ(run(false, " a  b"), "\u2581\u2581a\u2581\u2581b");
  EXPECT_EQ(run(true, "   "), "");
  EXPECT_EQ(run(true, "x y"), "\u2581x\u2581y");
}

TEST(Charsmap, RefusesSizesThatDisagree) {
  EXPECT_NO_THROW(Charsmap(""));
  EXPECT_THROW(Charsmap("abc"), CorruptData);
  EXPECT_THROW(Charsmap(std::string("\xFF\xFF\xFF\xFF", 4) + "abc"), CorruptData);
  // A trie whose every unit points somewhere: lookups stay inside.
  for (const char fill : {'\0', '\1', '\x55', '\xFF'}) {
    const Charsmap map(std::string("\0\4\0\0", 4) + std::string(1024, fill) + "x");
    for (const std::string text : {"abc", "\xFF\xFF", "\u4e2d"}) {
      EXPECT_LE(map.longest_prefix(text).length, text.size());
    }
  }
}

TEST(UnicodeClasses, KnowTheBordersOfUtf8) {
  const auto decode = [](std::string_view text) {
    return decode_character(text.data(), text.data() + text.size());
  };
  EXPECT_EQ(decode("\u00e9").code_point, 0xE9U);
  EXPECT_EQ(decode("\U0010FFFF").length, 4U);
  for (const char* bad :
       {"\xC0\x80", "\xED\xA0\x80", "\xF4\x90\x80\x80", "\xE0\x80\x80", "\x80", "\xFF", "\xE4\xB8"}) {
    EXPECT_FALSE(decode(bad).is_valid);
    EXPECT_EQ(decode(bad).length, 1U);
  }
  const auto& classes = UnicodeClasses::get();
  EXPECT_EQ(classes.of(U'a'), unicode_class::kLl);
  EXPECT_EQ(classes.of(0x85), unicode_class::kWhiteSpace);
  EXPECT_EQ(classes.of(0x10FFFF), unicode_class::kOther);
}
