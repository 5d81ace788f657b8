#include "documents/sentences.h"

#include <random>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/text.h"

namespace quintet {
namespace {

using testing::ElementsAre;

std::vector<std::string> sentences(std::string_view text) {
  std::vector<std::string> found;
  for (const TextRange range : split_sentences(text))
    found.emplace_back(text.substr(range.begin, range.size()));
  return found;
}

TEST(Sentences, EndAtFullStopsQuestionAndExclamationMarks) {
  EXPECT_THAT(sentences("It rains. Does it?  Yes! \"Good.\" He left."),
              ElementsAre("It rains.", "Does it?", "Yes!", "\"Good.\"", "He left."));
  EXPECT_THAT(sentences("One (as said above.) Two… Three"),
              ElementsAre("One (as said above.)", "Two…", "Three"));
  EXPECT_THAT(sentences("  no end  "), ElementsAre("no end"));
  EXPECT_THAT(sentences(""), ElementsAre());
  EXPECT_THAT(sentences(" \n\t "), ElementsAre());
}

TEST(Sentences, DoNotEndWithinNumbersAbbreviationsAndNames) {
  for (const char* one : {
           "The rate rose to 3.14 per cent in Fig. 4 and Sec. 2.",
           "Dr. J. R. R. Tolkien met Mrs. Smith and Prof. Jones.",
           "We follow Smith et al. (2004) and Brown et al. 2005 here.",
           "Use a tool, e.g. Make or i.e. Ninja, vs. Others.",
           "See No. 5 of Vol. 3, pp. 12 and p. 14.",
           "The U.S. Government and the U.K. Parliament agreed on Jan. 5.",
           "Visit www.example.com/a?b=1 or mail a.b@example.org today.",
           "Er kam am 3. Oktober, d.h. Dienstag, bzw. Mittwoch.",
           "He asked \"why?\" and left.",
           "Acme Inc. Announces nothing and Acme Corp. Limited too.",
           "St. Petersburg is not in version 1.2.3 of the list.",
       })
    EXPECT_THAT(sentences(one), ElementsAre(one));
}

TEST(Sentences, EndAfterAnAbbreviationWhereANewSentencePlainlyBegins) {
  EXPECT_THAT(sentences("It was made in the U.S. The other was not."),
              ElementsAre("It was made in the U.S.", "The other was not."));
  EXPECT_THAT(sentences("As in Smith et al. However, we differ."),
              ElementsAre("As in Smith et al.", "However, we differ."));
  EXPECT_THAT(sentences("They sell nuts, bolts, etc. This is plan B. It works."),
              ElementsAre("They sell nuts, bolts, etc.", "This is plan B.", "It works."));
  EXPECT_THAT(sentences("He said no. Five came. It ended in 1999. Nobody knew."),
              ElementsAre("He said no.", "Five came.", "It ended in 1999.", "Nobody knew."));
}

TEST(Sentences, TakeReferenceMarksAlong) {
  EXPECT_THAT(sentences("It was so.[4] Then not.[3, 7][8] It ended there.12 The rest"),
              ElementsAre("It was so.[4]", "Then not.[3, 7][8]", "It ended there.12", "The rest"));
}

TEST(Sentences, KeepNumbersAndEnumeratorsWithWhatTheyNumber) {
  EXPECT_THAT(sentences("1. Introduction begins. 2.1. Scope is given."),
              ElementsAre("1. Introduction begins.", "2.1. Scope is given."));
  EXPECT_THAT(sentences("iv. Fourth item.\na. First item."),
              ElementsAre("iv. Fourth item.", "a. First item."));
}

TEST(Sentences, OfOtherScriptsNeedNoBlank) {
  EXPECT_THAT(sentences("今天下雨。你好吗？很好！“是。”他说"),
              ElementsAre("今天下雨。", "你好吗？", "很好！", "“是。”", "他说"));
  EXPECT_THAT(sentences("「そうだ。」と言った。次。"), ElementsAre("「そうだ。」と言った。", "次。"));
  EXPECT_THAT(sentences("هل تمطر؟ نعم. حسنا"), ElementsAre("هل تمطر؟", "نعم.", "حسنا"));
  EXPECT_THAT(sentences("यह एक है। दूसरा है।"), ElementsAre("यह एक है।", "दूसरा है।"));
  EXPECT_THAT(sentences("¿Qué hora es? ¡Hola! Son las dos."),
              ElementsAre("¿Qué hora es?", "¡Hola!", "Son las dos."));
}

TEST(Sentences, EndAtLineBreaks) {
  EXPECT_THAT(sentences("Heading\n\nA row\t5\nnext row\t6"),
              ElementsAre("Heading", "A row\t5", "next row\t6"));
}

TEST(Sentences, OfRandomTextHoldEveryCharacterOnceAndInOrder) {
  const char* const pieces[] = {"a",  "B",  ".",   "...",  "?",    "!",  " ", "  ", "\n", "\"",
                                "(",  ")",  "[1]", "é",    "。",   "」", "…", "1",  "2",  ",",
                                "Mr", "al", "U",   "\xA0", "\xff", "\t", "’", "Ω"};
  std::mt19937 random(7);
  for (int round = 0; round < 2000; ++round) {
    std::string text;
    for (std::size_t n = random() % 40; n > 0; --n) text += pieces[random() % std::size(pieces)];
    std::string expected;
    std::string found;
    std::uint32_t from = 0;
    for (const TextRange range : split_sentences(text)) {
      ASSERT_GE(range.begin, from) << text;
      ASSERT_LT(range.begin, range.end) << text;
      found += text.substr(range.begin, range.size());
      from = range.end;
    }
    const auto without_blanks = [](const std::string& all) {
      std::string kept;
      for (const char c : all)
        if (std::string_view(" \n\t").find(c) == std::string_view::npos) kept += c;
      return kept;
    };
    EXPECT_EQ(without_blanks(found), without_blanks(text));
  }
}

}  // namespace
}  // namespace quintet
