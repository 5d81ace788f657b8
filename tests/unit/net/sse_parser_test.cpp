#include "net/sse_parser.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "core/error.h"
#include "core/text.h"

namespace quintet {
namespace {

/// Every event as "type|id|data".
std::vector<std::string> parse_in_pieces(std::string_view text, std::size_t piece_bytes) {
  SseParser parser;
  std::vector<std::string> events;
  for (std::size_t at = 0; at < text.size(); at += piece_bytes) {
    parser.feed(text.substr(at, piece_bytes), [&](const SseEvent& event) {
      events.push_back(cat(event.type, "|", event.id, "|", event.data));
    });
  }
  return events;
}

std::vector<std::string> parse(std::string_view text) {
  return parse_in_pieces(text, text.size() + 1);
}

using Strings = std::vector<std::string>;

TEST(SseParser, GivesEachEventItsTypeIdAndData) {
  EXPECT_EQ(parse("event: ping\nid: 7\ndata: one\n\ndata: two\n\n"),
            (Strings{"ping|7|one", "message|7|two"}));
}

TEST(SseParser, JoinsDataLinesAndRemovesOneLeadingSpaceOnly) {
  EXPECT_EQ(parse("data:a\ndata:  b\ndata\ndata: c\n\n"), (Strings{"message||a\n b\n\nc"}));
}

TEST(SseParser, KnowsAllThreeLineEnds) {
  const Strings expected{"message||a\nb", "message||c"};
  EXPECT_EQ(parse("data: a\ndata: b\n\ndata: c\n\n"), expected);
  EXPECT_EQ(parse("data: a\rdata: b\r\rdata: c\r\r"), expected);
  EXPECT_EQ(parse("data: a\r\ndata: b\r\n\r\ndata: c\r\n\r\n"), expected);
}

TEST(SseParser, IgnoresCommentsUnknownFieldsAndAByteOrderMark) {
  EXPECT_EQ(parse("\xEF\xBB\xBF: hello\nfoo: bar\ndata: x\n: keep-alive\n\n:\n\n"), (Strings{"message||x"}));
}

TEST(SseParser, AnEventWithoutDataIsNotDispatchedAndItsTypeIsForgotten) {
  EXPECT_EQ(parse("event: lost\n\ndata: x\n\n"), (Strings{"message||x"}));
  EXPECT_EQ(parse("data:\n\n"), (Strings{"message||"}));
}

TEST(SseParser, DiscardsAnEventThatNoBlankLineEnds) {
  EXPECT_TRUE(parse("data: half\n").empty());
}

TEST(SseParser, AnIdWithANulIsIgnoredAndAnEmptyIdResets) {
  using namespace std::string_literals;
  EXPECT_EQ(parse("id: a\nid: b\0c\ndata: 1\n\nid\ndata: 2\n\n"s), (Strings{"message|a|1", "message||2"}));
}

TEST(SseParser, RetryTakesDigitsOnly) {
  SseParser parser;
  parser.feed("retry: 1500\nretry: +3\nretry: 1e3\nretry:\n\n", [](const SseEvent&) { FAIL(); });
  EXPECT_EQ(parser.retry_ms(), 1500);
}

TEST(SseParser, ReplacesIllFormedUtf8) {
  EXPECT_EQ(parse("data: a\xFF\n\n"), (Strings{"message||a\xEF\xBF\xBD"}));
}

TEST(SseParser, DoesNotDependOnHowTheBytesAreCut) {
  const std::string text =
      "\xEF\xBB\xBF: start\r\nevent: tick\r\ndata: Grüße 👋\r\nid: 1\r\n\r\ndata: a\rdata: b\r\r\ndata: "
      "你好\n\n"
      "event: end\ndata\n\n";
  const auto whole = parse(text);
  ASSERT_EQ(whole.size(), 4u);
  for (std::size_t piece = 1; piece < text.size(); ++piece)
    EXPECT_EQ(parse_in_pieces(text, piece), whole) << piece;
  for (std::size_t cut = 0; cut <= text.size(); ++cut) {
    SseParser parser;
    Strings events;
    const auto collect = [&](const SseEvent& event) {
      events.push_back(cat(event.type, "|", event.id, "|", event.data));
    };
    parser.feed(std::string_view(text).substr(0, cut), collect);
    parser.feed(std::string_view(text).substr(cut), collect);
    EXPECT_EQ(events, whole) << cut;
  }
}

TEST(SseParser, RefusesAnEventBeyondItsBound) {
  const auto ignore = [](const SseEvent&) {};
  SseParser one_line(100);
  one_line.feed("data: ", ignore);
  EXPECT_THROW(
      {
        for (int i = 0; i < 20; ++i) one_line.feed("0123456789", ignore);
      },
      CorruptData);
  SseParser many_lines(100);
  EXPECT_THROW(
      {
        for (int i = 0; i < 40; ++i) many_lines.feed("data: 0123456789\n", ignore);
      },
      CorruptData);
  SseParser endless(100);  // the bound is on one event, not on the stream
  for (int i = 0; i < 1000; ++i) endless.feed("data: 0123456789\n\n", ignore);
  EXPECT_EQ(endless.n_events(), 1000u);
}

}  // namespace
}  // namespace quintet
