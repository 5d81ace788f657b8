#include "serving/request_parser.h"

#include <gtest/gtest.h>

#include "core/text.h"

namespace quintet {
namespace {

using State = RequestParser::State;

/// Feeds `bytes` in pieces of `step`, as a connection does: what is not taken is offered again with more.
struct Fed {
  RequestParser parser;
  std::string rest;
};
Fed feed(std::string_view bytes, std::size_t step, std::size_t max_body_bytes = 1000,
         const RequestParserLimits& limits = {}) {
  Fed fed{RequestParser(limits), ""};
  for (std::size_t at = 0;; at += step) {
    if (at < bytes.size()) fed.rest += bytes.substr(at, step);
    for (;;) {
      fed.rest.erase(0, fed.parser.feed(fed.rest));
      if (fed.parser.state() != State::head_complete) break;
      fed.parser.begin_body(max_body_bytes);
    }
    if (at >= bytes.size()) return fed;
  }
}

std::string head_with(std::string_view fields) {
  return cat("POST /a HTTP/1.1\r\nHost: x\r\n", fields, "\r\n");
}

TEST(RequestParser, GivesTheSameRequestHoweverTheBytesArrive) {
  const std::string bytes =
      cat("\r\nPOST /a?b=c HTTP/1.1\r\nHost: x\r\nX-A: 1\r\nX-A:  2 \r\nTransfer-Encoding: chunked\r\n\r\n",
          "5\r\nhello\r\n1;name=\"v\"\r\n \r\n5\r\nworld\r\n0\r\nX-Trailer: ignored\r\n\r\n", "GET /next");
  for (std::size_t step : {1, 2, 3, 7, 64, 10'000}) {
    Fed fed = feed(bytes, step);
    ASSERT_EQ(fed.parser.state(), State::complete) << fed.parser.fault().reason << " step=" << step;
    EXPECT_EQ(fed.parser.head().method, "POST");
    EXPECT_EQ(fed.parser.head().target, "/a?b=c");
    EXPECT_EQ(fed.parser.head().headers.get("x-a"), "1");
    EXPECT_EQ(fed.parser.head().headers.fields().size(), 4U) << "a trailer is no header";
    EXPECT_EQ(fed.parser.body(), "hello world");
    EXPECT_EQ(fed.rest, "GET /next");
  }
}

TEST(RequestParser, AnEmptyChunkedBodyMayArriveByteByByte) {
  for (std::size_t step : {1, 2, 3, 4, 5, 100}) {
    Fed fed = feed(head_with("Transfer-Encoding: chunked\r\n") + "0\r\n\r\n" + "GET", step);
    ASSERT_EQ(fed.parser.state(), State::complete) << fed.parser.fault().reason << " step=" << step;
    EXPECT_EQ(fed.parser.body(), "");
    EXPECT_EQ(fed.rest, "GET");
  }
}

TEST(RequestParser, RefusesWhatTwoServersCouldReadDifferently) {
  const std::vector<std::string> cases = {
      head_with("Content-Length: 3\r\nTransfer-Encoding: chunked\r\n") + "0\r\n\r\n",
      head_with("Transfer-Encoding: chunked\r\nContent-Length: 3\r\n") + "0\r\n\r\n",
      head_with("Content-Length: 3\r\nContent-Length: 3\r\n") + "abc",
      head_with("Content-Length: 3\r\nContent-Length: 4\r\n") + "abcd",
      head_with("Content-Length: 3, 3\r\n") + "abc",
      head_with("Content-Length: +3\r\n") + "abc",
      head_with("Content-Length: -1\r\n"),
      head_with("Content-Length: 0x3\r\n"),
      head_with("Content-Length: 99999999999999999999999\r\n"),
      head_with("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n") + "0\r\n\r\n",
      head_with("X-A: 1\r\n folded\r\n"),
      head_with("X-A: 1\r\n\tfolded\r\n"),
      head_with("X A: 1\r\n"),
      head_with("X-A : 1\r\n"),
      head_with(": 1\r\n"),
      head_with("Host: y\r\n"),
      head_with(std::string("X-A: 1\0\r\n", 9)),
      head_with("X-A: 1\rX-B: 2\r\n"),
      "POST /a HTTP/1.1\nHost: x\n\n",
      "POST /a HTTP/1.1\r\n\r\n",
      "POST  /a HTTP/1.1\r\nHost: x\r\n\r\n",
      "POST /a b HTTP/1.1\r\nHost: x\r\n\r\n",
      "POST /a\r\nHost: x\r\n\r\n",
      "P(ST /a HTTP/1.1\r\nHost: x\r\n\r\n",
      "\x16\x03\x01\x02\r\n\r\n",
      "POST /a HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
  };
  for (const auto& bytes : cases)
    for (std::size_t step : {1, 5, 10'000}) {
      Fed fed = feed(bytes, step);
      ASSERT_EQ(fed.parser.state(), State::failed) << bytes;
      EXPECT_EQ(fed.parser.fault().status, 400) << bytes << fed.parser.fault().reason;
    }
}

TEST(RequestParser, RefusesMalformedChunks) {
  for (const std::string_view body :
       {"x\r\nhello\r\n", "-1\r\n", "5hello\r\n0\r\n\r\n", "5\r\nhelloXX0\r\n\r\n",
        "5 \r\nhello\r\n0\r\n\r\n", "FFFFFFFFFFFFFFFFF\r\n", "\r\n\r\n"})
    for (std::size_t step : {1, 10'000}) {
      Fed fed = feed(head_with("Transfer-Encoding: chunked\r\n") + std::string(body), step);
      ASSERT_EQ(fed.parser.state(), State::failed) << body;
      EXPECT_TRUE(fed.parser.fault().status == 400 || fed.parser.fault().status == 413) << body;
    }
}

TEST(RequestParser, NamesWhatItDoesNotImplement) {
  EXPECT_EQ(feed(head_with("Transfer-Encoding: gzip, chunked\r\n"), 100).parser.fault().status, 501);
  EXPECT_EQ(feed(head_with("Transfer-Encoding: gzip\r\n"), 100).parser.fault().status, 501);
  EXPECT_EQ(feed(head_with("Expect: tea\r\n"), 100).parser.fault().status, 417);
  EXPECT_EQ(feed("GET / HTTP/3.0\r\nHost: x\r\n\r\n", 100).parser.fault().status, 505);
  EXPECT_EQ(feed("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 100).parser.fault().status, 505);
}

TEST(RequestParser, BoundsTheHead) {
  const RequestParserLimits limits{.max_request_line_bytes = 100, .max_header_bytes = 500, .max_fields = 10};
  const auto status = [&](const std::string& bytes) {
    return feed(bytes, 64, 0, limits).parser.fault().status;
  };
  EXPECT_EQ(status(cat("GET /", std::string(200, 'a'), " HTTP/1.1\r\nHost: x\r\n\r\n")), 431);
  EXPECT_EQ(status(cat("GET /", std::string(5000, 'a'))), 431) << "without waiting for the end of the line";
  EXPECT_EQ(status(head_with(cat("X: ", std::string(600, 'a'), "\r\n"))), 431);
  EXPECT_EQ(status(cat("GET / HTTP/1.1\r\nX: ", std::string(5000, 'a'))), 431);
  std::string many;
  for (int i = 0; i < 20; ++i) many += "A: b\r\n";
  EXPECT_EQ(status(head_with(many)), 431);
  for (const std::size_t step : {1, 101, 1000}) {  // 101: the CR of the longest line ends a piece
    const auto with_line = [&](std::size_t n) {
      const std::string path = cat("/", std::string(n - std::string_view("GET / HTTP/1.1").size(), 'a'));
      return feed(cat("GET ", path, " HTTP/1.1\r\nHost: x\r\n\r\n"), step, 0, limits).parser.state();
    };
    EXPECT_EQ(with_line(100), State::complete) << step;
    EXPECT_EQ(with_line(101), State::failed) << step;
  }
}

TEST(RequestParser, BoundsTheBodyBeforeAndWhileItArrives) {
  Fed declared = feed(head_with("Content-Length: 1001\r\n"), 100, 1000);
  EXPECT_EQ(declared.parser.fault().status, 413);
  EXPECT_EQ(feed(head_with("Content-Length: 3\r\n") + "abcGET", 100, 3).parser.state(), State::complete);
  const std::string chunk = cat("64\r\n", std::string(100, 'x'), "\r\n");
  std::string chunked = head_with("Transfer-Encoding: chunked\r\n");
  for (int i = 0; i < 11; ++i) chunked += chunk;
  EXPECT_EQ(feed(chunked, 50, 1000).parser.fault().status, 413);
  EXPECT_EQ(feed(head_with("Transfer-Encoding: chunked\r\n") + cat("1;", std::string(40'000, 'x')), 4096)
                .parser.fault()
                .status,
            400)
      << "a chunk extension without end";
}

TEST(RequestParser, TellsWhetherTheConnectionGoesOn) {
  EXPECT_TRUE(feed("GET / HTTP/1.1\r\nHost: x\r\n\r\n", 100).parser.head().keeps_alive);
  EXPECT_FALSE(feed("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", 100).parser.head().keeps_alive);
  EXPECT_FALSE(feed("GET / HTTP/1.0\r\n\r\n", 100).parser.head().keeps_alive);
  EXPECT_TRUE(feed("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", 100).parser.head().keeps_alive);
}

}  // namespace
}  // namespace quintet
