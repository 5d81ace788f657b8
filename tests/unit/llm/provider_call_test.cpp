#include "llm/provider_call.h"

#include <mutex>
#include <thread>

#include <gtest/gtest.h>

#include "provider_fixture.h"

namespace quintet {
namespace {

using namespace std::chrono_literals;

constexpr auto kGenerous = 10s;  // only a broken build waits this long

/// What holds for every remote provider.
class Provider : public ::testing::TestWithParam<ProviderCase> {
 protected:
  std::unique_ptr<ChatModel> model(const ProviderOptions& options = {}) {
    return GetParam().make(server_.url(), options);
  }

  /// The error of a chat that must throw.
  template <typename Expected>
  std::string error_of(ChatModel& model) {
    try {
      model.chat(simple_request(), {}, {});
    } catch (const Expected& error) {
      return error.what();
    } catch (const Error& error) {
      ADD_FAILURE() << "another error: " << error_code_name(error.code()) << ": " << error.what();
      return error.what();
    }
    ADD_FAILURE() << "chat() succeeded";
    return {};
  }

  ServerReply good() const { return chunked_reply(GetParam().stream); }

  HttpScriptServer server_;
};

constexpr std::string_view kExpected =
    "think Let me…\ntext Grü\ntext ße 👋!\ncall 0 call_9 f \ncall 0   {\"q\":\ncall 0   \"é\"}\n"
    "tool_calls served-model 20/16/8\nGrüße 👋!\ncall_9f{\"q\":\"é\"}";

TEST_P(Provider, TheAnswerDoesNotDependOnWhereTheStreamIsCut) {
  const auto chat = model();
  server_.enqueue(good());
  ASSERT_EQ(transcript(*chat, simple_request()), kExpected);
  const std::string& stream = GetParam().stream;
  for (std::size_t cut = 1; cut < stream.size(); ++cut) {
    server_.enqueue(chunked_reply(stream, {cut}));
    ASSERT_EQ(transcript(*chat, simple_request()), kExpected) << "cut at " << cut;
  }
  for (const std::size_t piece : {1, 2, 3, 7, 64}) {
    server_.enqueue(chunked_reply_in_pieces(stream, piece));
    ASSERT_EQ(transcript(*chat, simple_request()), kExpected) << "pieces of " << piece;
  }
  EXPECT_EQ(server_.n_connections(), 1u);
}

TEST_P(Provider, RetriesWhatMayPassAndSaysSo) {
  for (const int status : {408, 409, 429, 500, 503, 529}) {
    server_.enqueue(http_reply(status, "application/json", R"({"error":{"message":"busy"}})"));
    server_.enqueue(good());
    EXPECT_EQ(transcript(*model(), simple_request()), cat("retry 1\n", kExpected)) << status;
  }
  server_.enqueue({CloseConnection{}});
  server_.enqueue({SendBytes{chunked_head()}, ResetConnection{}});
  server_.enqueue(good());
  EXPECT_EQ(transcript(*model(), simple_request()), cat("retry 1\nretry 2\n", kExpected));
}

TEST_P(Provider, GivesUpAfterItsAttemptsWithTheLastReason) {
  server_.set_handler([](const RecordedRequest&) {
    return http_reply(503, "application/json", R"({"error":{"message":"down for the night"}})");
  });
  const std::string message = error_of<Unavailable>(*model());
  EXPECT_NE(message.find("down for the night"), std::string::npos) << message;
  EXPECT_NE(message.find("3 attempts"), std::string::npos) << message;
  EXPECT_EQ(server_.n_requests(), 3u);
}

TEST_P(Provider, HonoursRetryAfterAndDoesNotWaitForMoreThanItsLimit) {
  server_.enqueue(http_reply(429, "application/json", "{}", "Retry-After: 0.2\r\n"));
  server_.enqueue(good());
  double delay = 0;
  const auto response = model()->chat(simple_request(),
                                      [&](const ChatEvent& event) {
                                        if (const auto* retry = std::get_if<RetryNotice>(&event))
                                          delay = retry->delay_seconds;
                                      },
                                      {});
  EXPECT_GE(delay, 0.2);
  EXPECT_EQ(response.n_attempts, 2);

  server_.enqueue(
      http_reply(429, "application/json", R"({"error":{"message":"slow down"}})", "Retry-After: 3600\r\n"));
  const std::string message = error_of<Exhausted>(*model());
  EXPECT_NE(message.find("3600 s"), std::string::npos) << message;
}

TEST_P(Provider, DoesNotRetryWhatWillNotPass) {
  server_.enqueue(http_reply(401, "application/json", R"({"error":{"message":"no such key"}})"));
  error_of<Unauthorized>(*model());
  server_.enqueue(http_reply(403, "application/json", "{}"));
  error_of<Unauthorized>(*model());
  server_.enqueue(http_reply(400, "application/json", R"({"error":{"message":"bad tool"}})"));
  error_of<InvalidArgument>(*model());
  server_.enqueue(
      http_reply(429, "application/json", R"({"error":{"message":"pay","code":"insufficient_quota"}})"));
  error_of<Exhausted>(*model());
  server_.enqueue(http_reply(302, "text/html", "", "Location: http://elsewhere\r\n"));
  error_of<InvalidArgument>(*model());
  EXPECT_EQ(server_.n_requests(), 5u);
}

TEST_P(Provider, NobodyListeningIsUnavailable) {
  std::string gone;
  {
    const HttpScriptServer closed;
    gone = closed.url();
  }
  const auto chat = GetParam().make(gone, {});
  const std::string message = error_of<Unavailable>(*chat);
  EXPECT_NE(message.find("127.0.0.1"), std::string::npos) << message;
}

TEST_P(Provider, SilenceBeforeTheFirstByteIsRetriedThenUnavailable) {
  server_.set_handler([](const RecordedRequest&) { return ServerReply{StallUntilClosed{}}; });
  ProviderOptions options;
  options.timeouts.first_byte = 40ms;
  error_of<Unavailable>(*model(options));
  EXPECT_EQ(server_.n_requests(), 3u);
  EXPECT_TRUE(server_.wait_for_peer_closes(3, kGenerous));
}

TEST_P(Provider, SilenceAfterTheFirstTokenKeepsWhatArrived) {
  server_.enqueue({SendBytes{chunked_head() + http_chunk(GetParam().first)}, StallUntilClosed{}});
  ProviderOptions options;
  options.timeouts.idle = 60ms;
  const auto response = model(options)->chat(simple_request(), {}, {});
  EXPECT_EQ(response.stop_reason, StopReason::interrupted);
  EXPECT_EQ(response.message.text(), "Grü");
  EXPECT_NE(response.interruption.find("60 ms"), std::string::npos) << response.interruption;
  EXPECT_GT(response.usage.output_tokens, 0);
  EXPECT_EQ(server_.n_requests(), 1u);
}

TEST_P(Provider, BeforeTheFirstTokenTheLongerLimitHolds) {
  server_.enqueue({SendBytes{chunked_head() + http_chunk(": reading the prompt\n\n")}, Pause{300ms},
                   SendBytes{http_chunk(GetParam().stream) + std::string(kLastChunk)}});
  ProviderOptions options;
  options.timeouts.first_byte = 60s;
  options.timeouts.idle = 100ms;
  EXPECT_EQ(transcript(*model(options), simple_request()), kExpected);
}

TEST_P(Provider, TheTotalLimitCoversAttemptsAndWaits) {
  server_.set_handler([](const RecordedRequest&) { return ServerReply{StallUntilClosed{}}; });
  ProviderOptions options;
  options.timeouts.total = 100ms;
  options.retry.max_attempts = 1000;
  error_of<Unavailable>(*model(options));

  server_.set_handler([](const RecordedRequest&) { return http_reply(503, "text/plain", "no"); });
  options.retry.base_delay = 60s;
  options.retry.max_delay = 60s;
  error_of<Unavailable>(*model(options));
}

TEST_P(Provider, AStreamThatBreaksAfterTheFirstTokenIsInterruptedAndNotRetried) {
  const std::string start = chunked_head() + http_chunk(GetParam().first);
  const std::vector<ServerReply> breaks{
      {SendBytes{start}, CloseConnection{}},
      {SendBytes{start}, Pause{20ms}, ResetConnection{}},
      {SendBytes{start + std::string(kLastChunk)}},
      {SendBytes{start + http_chunk("data: {\"choices\": not json\n\n")}, CloseConnection{}},
      {SendBytes{start + http_chunk(GetParam().error_event)}, StallUntilClosed{}},
  };
  std::size_t n = 0;
  for (const ServerReply& reply : breaks) {
    server_.enqueue(reply);
    const auto response = model()->chat(simple_request(), {}, {});
    EXPECT_EQ(response.stop_reason, StopReason::interrupted);
    EXPECT_EQ(response.message.text(), "Grü");
    EXPECT_FALSE(response.interruption.empty());
    EXPECT_EQ(server_.n_requests(), ++n);
  }
}

TEST_P(Provider, AnErrorEventBeforeTheFirstTokenIsRetried) {
  server_.enqueue(chunked_reply(GetParam().error_event));
  server_.enqueue(good());
  EXPECT_EQ(transcript(*model(), simple_request()), cat("retry 1\n", kExpected));
}

TEST_P(Provider, NonsenseIsCorruptData) {
  const std::vector<ServerReply> nonsense{
      http_reply(200, "text/html", "<html>Welcome to the hotel network</html>"),
      http_reply(200, "text/event-stream", "what is this\n\neven\n\n"),
      http_reply(200, "application/json", "{\"answer\": 42}"),
      http_reply(200, "application/json", "{\"choi"),
      chunked_reply("data: [1, 2]\n\n"),
      chunked_reply("data: {\"a\n\n"),
      {SendBytes{"220 smtp.example.com ESMTP\r\n"}, CloseConnection{}},
  };
  for (const ServerReply& reply : nonsense) {
    server_.enqueue(reply);
    error_of<CorruptData>(*model());
  }
  EXPECT_EQ(server_.n_requests(), nonsense.size());
}

TEST_P(Provider, AHugeAnswerStopsAtTheBound) {
  ProviderOptions options;
  options.max_response_bytes = 10'000;
  server_.enqueue(
      {SendBytes{chunked_head() + http_chunk("data: " + std::string(100'000, 'x'))}, StallUntilClosed{}});
  error_of<Exhausted>(*model(options));
  EXPECT_TRUE(server_.wait_for_peer_closes(1, kGenerous));
}

TEST_P(Provider, AStopClosesTheConnectionAndKeepsWhatArrived) {
  server_.enqueue({SendBytes{chunked_head() + http_chunk(GetParam().first)}, StallUntilClosed{}});
  std::stop_source stop;
  const auto response = model()->chat(
      simple_request(),
      [&](const ChatEvent& event) {
        if (std::holds_alternative<TextDelta>(event)) stop.request_stop();
      },
      stop.get_token());
  EXPECT_EQ(response.stop_reason, StopReason::cancelled);
  EXPECT_EQ(response.message.text(), "Grü");
  EXPECT_TRUE(server_.wait_for_peer_closes(1, kGenerous));
}

TEST_P(Provider, AStopEndsTheWaitForARetry) {
  server_.set_handler(
      [](const RecordedRequest&) { return http_reply(503, "text/plain", "no", "Retry-After: 60\r\n"); });
  ProviderOptions options;
  options.retry.max_retry_after = 120s;
  std::stop_source stop;
  std::jthread stopper([&] {
    EXPECT_TRUE(server_.wait_for_requests(1, kGenerous));
    std::this_thread::sleep_for(20ms);
    stop.request_stop();
  });
  const auto response = model(options)->chat(simple_request(), {}, stop.get_token());
  EXPECT_EQ(response.stop_reason, StopReason::cancelled);
  EXPECT_EQ(server_.n_requests(), 1u);
}

TEST_P(Provider, WhatTheSinkThrowsLeavesChat) {
  server_.enqueue({SendBytes{chunked_head() + http_chunk(GetParam().first)}, StallUntilClosed{}});
  EXPECT_THROW(model()->chat(simple_request(), [](const ChatEvent&) { throw Conflict("full"); }, {}),
               Conflict);
  EXPECT_TRUE(server_.wait_for_peer_closes(1, kGenerous));
}

TEST_P(Provider, ItsKeyIsNeverInAnError) {
  const std::string echo = cat(R"({"error":{"message":"Incorrect key )", kTestKey, R"( given"}})");
  server_.enqueue(http_reply(401, "application/json", echo));
  const std::string message = error_of<Unauthorized>(*model());
  EXPECT_EQ(message.find(kTestKey), std::string::npos) << message;
  EXPECT_NE(message.find("[redacted]"), std::string::npos) << message;

  server_.enqueue(
      {SendBytes{chunked_head() + http_chunk(GetParam().first) + http_chunk(cat("data: ", echo, "\n\n"))},
       CloseConnection{}});
  const auto response = model()->chat(simple_request(), {}, {});
  EXPECT_EQ(response.interruption.find(kTestKey), std::string::npos) << response.interruption;
}

TEST_P(Provider, ServesManyThreadsAtOnce) {
  server_.set_handler([&](const RecordedRequest&) { return good(); });
  const auto chat = model();
  std::mutex mutex;
  int n_right = 0;
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 6; ++t) {
      threads.emplace_back([&] {
        for (int i = 0; i < 10; ++i) {
          const bool is_right = transcript(*chat, simple_request()) == kExpected;
          const std::lock_guard lock(mutex);
          n_right += is_right ? 1 : 0;
        }
      });
    }
  }
  EXPECT_EQ(n_right, 60);
}

INSTANTIATE_TEST_SUITE_P(All, Provider, ::testing::Values(openai_case(), anthropic_case()),
                         [](const auto& info) { return info.param.name; });

TEST(ProviderError, IsReadInEveryShapeThatServersUse) {
  const std::vector<std::string> bodies{
      R"({"error":{"message":"the reason","type":"invalid_request_error","code":null}})",  // OpenAI
      R"({"object":"error","message":"the reason","type":"BadRequestError","code":400})",  // vLLM
      R"({"error":{"code":400,"message":"the reason","type":"invalid_request_error"}})",   // llama-server
      R"({"error":"the reason"})",   // Ollama, LM Studio
      R"({"detail":"the reason"})",  // FastAPI
      R"({"type":"error","error":{"type":"invalid_request_error","message":"the reason"}})",  // Anthropic
      R"([{"error":{"code":400,"message":"the reason","status":"INVALID_ARGUMENT"}}])",       // Google
      "the reason\n",
  };
  for (const auto& body : bodies) {
    const auto failure = read_provider_error(body, 400);
    EXPECT_EQ(std::string_view(failure.what()), "HTTP 400: the reason") << body;
    EXPECT_EQ(failure.code(), ErrorCode::invalid_argument);
  }
  EXPECT_EQ(std::string_view(read_provider_error("<html>502</html>", 502).what()), "HTTP 502");
}

TEST(ProviderError, InAStreamItsWordsStandForTheStatus) {
  const auto kind = [](std::string_view type) {
    return read_provider_error(cat(R"({"error":{"type":")", type, R"(","message":"m"}})"), 0);
  };
  EXPECT_EQ(kind("rate_limit_error").code(), ErrorCode::exhausted);
  EXPECT_TRUE(kind("overloaded_error").is_retryable());
  EXPECT_FALSE(kind("authentication_error").is_retryable());
  EXPECT_EQ(kind("authentication_error").code(), ErrorCode::unauthorized);
  EXPECT_TRUE(kind("api_error").is_retryable());
}

TEST(ProviderError, TextsAreCleanedOfControlCharactersAndLength) {
  EXPECT_EQ(clean_provider_text("a\r\nb\x1B[31m\xFF", ""), "a  b [31m\xEF\xBF\xBD");
  EXPECT_LT(clean_provider_text(std::string(10'000, 'x'), "").size(), 700u);
}

}  // namespace
}  // namespace quintet
