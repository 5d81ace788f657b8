#include "serving/websocket.h"

#include <future>

#include <gtest/gtest.h>

#include "raw_client.h"
#include "test_server.h"

namespace quintet {
namespace {

using Kind = WebSocketDecoder::Kind;

/// A client's frame: masked.
std::string frame(int opcode, std::string_view payload, bool is_final = true) {
  std::string out;
  out += static_cast<char>((is_final ? 0x80 : 0) | opcode);
  if (payload.size() < 126) {
    out += static_cast<char>(0x80 | payload.size());
  } else if (payload.size() <= 0xFFFF) {
    out += static_cast<char>(0x80 | 126);
    out += static_cast<char>(payload.size() >> 8);
    out += static_cast<char>(payload.size() & 0xFF);
  } else {
    out += static_cast<char>(0x80 | 127);
    for (int shift = 56; shift >= 0; shift -= 8) out += static_cast<char>(payload.size() >> shift & 0xFF);
  }
  constexpr std::string_view kMask = "\x12\x34\x56\x78";
  out += kMask;
  for (std::size_t i = 0; i < payload.size(); ++i) out += static_cast<char>(payload[i] ^ kMask[i % 4]);
  return out;
}

TEST(WebSocketDecoder, JoinsFragmentsAroundControlFramesHoweverBytesArrive) {
  const std::string big(70'000, 'b');
  const std::string bytes = frame(1, "hel", false) + frame(9, "ping") + frame(0, "lo") + frame(2, big) +
                            frame(1, std::string(200, 'c')) +
                            frame(8,
                                  "\x03\xe8"
                                  "bye");
  for (std::size_t step : {1UL, 3UL, 1000UL, bytes.size()}) {
    WebSocketDecoder decoder(100'000);
    std::string input;
    std::vector<std::pair<Kind, std::string>> events;
    for (std::size_t at = 0; at < bytes.size(); at += step) {
      input += bytes.substr(at, step);
      while (auto event = decoder.next(input)) events.emplace_back(event->kind, std::move(event->payload));
    }
    EXPECT_EQ(decoder.fault(), 0);
    ASSERT_EQ(events.size(), 5U);
    EXPECT_EQ(events[0], std::pair(Kind::ping, std::string("ping")));
    EXPECT_EQ(events[1], std::pair(Kind::text, std::string("hello")));
    EXPECT_EQ(events[2], std::pair(Kind::binary, big));
    EXPECT_EQ(events[4], std::pair(Kind::close, std::string("\x03\xe8"
                                                            "bye")));
  }
}

TEST(WebSocketDecoder, NamesWhatThePeerDidWrong) {
  const auto fault = [](std::string bytes) {
    WebSocketDecoder decoder(100);
    while (decoder.next(bytes)) {
    }
    return decoder.fault();
  };
  EXPECT_EQ(fault("\x81\x01x"), 1002) << "not masked";
  EXPECT_EQ(fault(frame(0x41, "x")), 1002) << "a reserved bit";
  EXPECT_EQ(fault(frame(3, "x")), 1002) << "a reserved opcode";
  EXPECT_EQ(fault(frame(0, "x")), 1002) << "a continuation of nothing";
  EXPECT_EQ(fault(frame(1, "x", false) + frame(1, "y")), 1002);
  EXPECT_EQ(fault(frame(9, "x", false)), 1002) << "a fragmented ping";
  EXPECT_EQ(fault(frame(9, std::string(126, 'x'))), 1002);
  EXPECT_EQ(fault(frame(8, "x")), 1002) << "half a close code";
  EXPECT_EQ(fault(frame(8, "\x03\xed")), 1002) << "1005 is never sent";
  EXPECT_EQ(fault(frame(1, "\xff")), 1007);
  EXPECT_EQ(fault(frame(1, std::string(101, 'x'))), 1009);
  EXPECT_EQ(fault(frame(1, std::string(60, 'x'), false) + frame(0, std::string(60, 'x'))), 1009);
}

TEST(WebSocket, AcceptKeyIsThatOfTheRfc) {
  EXPECT_EQ(websocket_accept_key("dGhlIHNhbXBsZSBub25jZQ=="), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
}

constexpr std::string_view kUpgrade =
    "GET /echo HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

struct EchoServer : TestServer {
  EchoServer() {
    WebSocketRoute route;
    route.pattern = "/echo";
    route.handler = [this](const HttpRequest&, WebSocket& socket, std::stop_token) {
      while (auto message = socket.receive()) {
        if (message->data == "leave") return;
        if (message->data == "throw") throw InvalidArgument("no");
        socket.send(message->data, message->is_text);
      }
      left.set_value();
    };
    router.add(std::move(route));
  }
  std::promise<void> left;
};

/// The payload of the server's next frame.
std::string receive_frame(RawClient& client, int opcode) {
  const auto take = [&](std::size_t n) {
    std::string out;
    while (out.size() < n) {
      const auto byte = client.receive_bytes(1);
      if (!byte) throw std::runtime_error("the connection ended");
      out += *byte;
    }
    return out;
  };
  const std::string head = take(2);
  EXPECT_EQ(static_cast<unsigned char>(head[0]), 0x80 | opcode);
  std::size_t n = static_cast<unsigned char>(head[1]);
  const std::size_t length_bytes = n < 126 ? 0 : n == 126 ? 2 : 8;
  if (length_bytes > 0) {
    n = 0;
    for (const char c : take(length_bytes)) n = n << 8 | static_cast<unsigned char>(c);
  }
  return take(n);
}

TEST(WebSocket, EchoesUntilTheClientCloses) {
  EchoServer test;
  test.start();
  RawClient client(test.port());
  client.send(cat(kUpgrade, "\r\n", frame(1, "early")));
  const auto head = client.receive_head();
  EXPECT_EQ(head.status, 101);
  EXPECT_EQ(head.header("sec-websocket-accept"), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
  EXPECT_EQ(receive_frame(client, 1), "early");
  const std::string big(300'000, 'b');
  client.send(frame(9, "p"));
  EXPECT_EQ(receive_frame(client, 10), "p");
  client.send(frame(2, big));
  EXPECT_EQ(receive_frame(client, 2), big);
  for (int i = 0; i < 100; ++i) client.send(frame(1, std::to_string(i)));
  for (int i = 0; i < 100; ++i) EXPECT_EQ(receive_frame(client, 1), std::to_string(i));
  client.send(frame(8, "\x03\xe8"));
  EXPECT_EQ(receive_frame(client, 8), "\x03\xe8");
  client.end_sending();
  EXPECT_TRUE(client.wait_for_end());
  test.left.get_future().wait();
}

TEST(WebSocket, ClosesWhenTheHandlerLeavesThrowsOrTheServerStops) {
  EchoServer test;
  test.start();
  for (const std::string_view word : {"leave", "throw"}) {
    RawClient client(test.port());
    client.send(cat(kUpgrade, "\r\n", frame(1, word)));
    EXPECT_EQ(client.receive_head().status, 101);
    EXPECT_EQ(receive_frame(client, 8), "\x03\xe8");
  }
  RawClient client(test.port());
  client.send(cat(kUpgrade, "\r\n"));
  EXPECT_EQ(client.receive_head().status, 101);
  test.server->stop(std::chrono::seconds(10));
  EXPECT_EQ(receive_frame(client, 8).substr(0, 2), "\x03\xe9");
}

TEST(WebSocket, ToldOfFaultsAndDisconnects) {
  EchoServer test;
  test.start();
  {
    RawClient client(test.port());
    client.send(cat(kUpgrade, "\r\n", frame(1, "\xff")));
    EXPECT_EQ(client.receive_head().status, 101);
    EXPECT_EQ(receive_frame(client, 8), "\x03\xef");
  }
  test.left.get_future().wait();
  test.left = {};
  {
    RawClient client(test.port());
    client.send(cat(kUpgrade, "\r\n"));
    EXPECT_EQ(client.receive_head().status, 101);
  }
  test.left.get_future().wait();
}

TEST(WebSocket, RefusesWhatIsNoUpgrade) {
  EchoServer test;
  test.start();
  RawClient client(test.port());
  const auto plain = client.get("/echo");
  EXPECT_EQ(plain.status, 426);
  EXPECT_EQ(plain.header("upgrade"), "websocket");
  EXPECT_EQ(client.request(cat(kUpgrade, "Origin: https://evil.example\r\n\r\n")).status, 403);
}

}  // namespace
}  // namespace quintet
