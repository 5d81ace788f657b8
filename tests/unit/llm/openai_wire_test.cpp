#include "llm/openai_wire.h"

#include <gtest/gtest.h>

#include "llm/json_schema.h"
#include "provider_fixture.h"

namespace quintet {
namespace {

ToolSpec weather_tool() {
  return {
      .name = "weather",
      .description = "Weather of a city",
      .parameters = parse_json(R"({"type":"object","properties":{"city":{"type":"string"}}})").as_object()};
}

std::string encoded(const ChatRequest& request, const OpenAiDialect& dialect = {}) {
  return to_json(encode_openai_request(request, "m", dialect));
}

TEST(OpenAiRequest, HasModelMessagesAndAsksForUsage) {
  EXPECT_EQ(
      encoded(simple_request()),
      R"({"model":"m","messages":[{"role":"system","content":"Be brief."},{"role":"user","content":"Hello?"}],)"
      R"("stream":true,"stream_options":{"include_usage":true}})");
}

TEST(OpenAiRequest, CarriesAToolConversation) {
  ChatRequest request;
  request.messages = {
      Message::user("Weather?"),
      {Role::assistant, {ReasoningPart{"hm", "sig"}, ToolCallPart{"c1", "weather", R"({"city":"Rome"})"}}},
      {Role::tool, {ToolResultPart{"c1", "no such city", false}, ToolResultPart{"c2", "18 degrees", true}}}};
  request.tools = {weather_tool()};
  request.tool_choice = {ToolChoiceMode::named, "weather"};
  request.parallel_tool_calls = false;
  const JsonObject body = encode_openai_request(request, "m", {});
  EXPECT_EQ(to_json(body.at("messages").at(1)),
            R"({"role":"assistant","content":null,"tool_calls":[{"id":"c1","type":"function","function":)"
            R"({"name":"weather","arguments":"{\"city\":\"Rome\"}"}}]})");
  EXPECT_EQ(to_json(body.at("messages").at(2)),
            R"({"role":"tool","tool_call_id":"c1","content":"error: no such city"})");
  EXPECT_EQ(to_json(body.at("messages").at(3)),
            R"({"role":"tool","tool_call_id":"c2","content":"18 degrees"})");
  EXPECT_EQ(body.at("messages").as_array().size(), 4u);
  EXPECT_EQ(to_json(body.at("tool_choice")), R"({"type":"function","function":{"name":"weather"}})");
  EXPECT_EQ(body.at("parallel_tool_calls"), false);
  EXPECT_EQ(body.at("tools").at(0).at("function").at("name"), "weather");
}

TEST(OpenAiRequest, CarriesImagesAsDataUrls) {
  ChatRequest request;
  request.messages = {
      {Role::user,
       {TextPart{"What?"}, ImagePart{"image/png", "Man", ""}, ImagePart{"", "", "https://x/y.png"}}}};
  EXPECT_EQ(
      to_json(encode_openai_request(request, "m", {}).at("messages").at(0).at("content")),
      R"([{"type":"text","text":"What?"},{"type":"image_url","image_url":{"url":"data:image/png;base64,TWFu"}},)"
      R"({"type":"image_url","image_url":{"url":"https://x/y.png"}}])");
}

TEST(OpenAiRequest, WritesLimitsFormatsAndSamplingInTheServersDialect) {
  ChatRequest request = simple_request();
  request.max_output_tokens = 10;
  request.sampling.temperature = 0.5;
  request.sampling.min_p = 0.1;
  request.sampling.seed = 7;
  request.stop = {"END"};
  request.response_format = JsonSchemaFormat{"city", parse_json(R"({"type":"object"})").as_object(), true};
  JsonObject body = encode_openai_request(request, "m", {});
  EXPECT_EQ(body.at("max_tokens"), 10);
  EXPECT_EQ(body.at("min_p"), 0.1);
  EXPECT_EQ(body.at("seed"), 7);
  EXPECT_EQ(
      to_json(body.at("response_format")),
      R"({"type":"json_schema","json_schema":{"name":"city","schema":{"type":"object"},"strict":true}})");
  body = encode_openai_request(request, "m",
                               {.uses_max_completion_tokens = true,
                                .sends_stream_options = false,
                                .sends_sampling_extensions = false});
  EXPECT_EQ(body.at("max_completion_tokens"), 10);
  EXPECT_FALSE(body.contains("max_tokens"));
  EXPECT_FALSE(body.contains("min_p"));
  EXPECT_FALSE(body.contains("stream_options"));
}

class OpenAiServer : public ::testing::Test {
 protected:
  std::string answer(std::string_view stream, const ChatRequest& request = simple_request()) {
    server_.enqueue(chunked_reply(stream));
    return transcript(*model_, request);
  }
  HttpScriptServer server_;
  std::unique_ptr<ChatModel> model_ = make_remote_model<OpenAiModel>(server_.url(), {});
};

TEST_F(OpenAiServer, IsAskedAtTheRightPlaceWithTheKey) {
  answer("data: [DONE]\n\n");
  const auto seen = server_.requests().at(0);
  EXPECT_EQ(seen.method, "POST");
  EXPECT_EQ(seen.target, "/v1/chat/completions");
  EXPECT_EQ(seen.header("Authorization"), cat("Bearer ", kTestKey));
  EXPECT_EQ(seen.header("Content-Type"), "application/json");
}

TEST_F(OpenAiServer, MayOmitUsageAndDone) {
  // Usage is then an estimate: "Hello?" and "Be brief." with their roles, and two tokens for the answer.
  EXPECT_EQ(
      answer("data: {\"choices\":[{\"delta\":{\"content\":\"Hi there\"},\"finish_reason\":\"stop\"}]}\n\n"),
      "text Hi there\nend test-model 13/0/2\nHi there");
  EXPECT_EQ(answer("data: {\"choices\":[{\"delta\":{\"content\":\"Hi\"}}]}\n\ndata: [DONE]\n\n"),
            "text Hi\nend test-model 13/0/1\nHi");
}

TEST_F(OpenAiServer, EndsForEachReason) {
  const auto end_of = [&](std::string_view reason) {
    return answer(cat("data: {\"choices\":[{\"delta\":{\"content\":\"x\"},\"finish_reason\":\"", reason,
                      "\"}],\"usage\":{\"prompt_tokens\":1,\"completion_tokens\":1}}\n\n"));
  };
  EXPECT_EQ(end_of("stop"), "text x\nend test-model 1/0/1\nx");
  EXPECT_EQ(end_of("length"), "text x\nmax_tokens test-model 1/0/1\nx");
  EXPECT_EQ(end_of("content_filter"), "text x\nrefused test-model 1/0/1\nx");
  EXPECT_EQ(answer("data: {\"choices\":[{\"delta\":{\"refusal\":\"No.\"},\"finish_reason\":\"stop\"}],"
                   "\"usage\":{\"prompt_tokens\":1,\"completion_tokens\":1}}\n\n"),
            "text No.\nrefused test-model 1/0/1\nNo.");
}

TEST_F(OpenAiServer, MaySendWholeToolCallsWithoutIndexAndSayStop) {
  EXPECT_EQ(
      answer("data: {\"choices\":[{\"delta\":{\"tool_calls\":[{\"id\":\"a\",\"function\":{\"name\":\"f\","
             "\"arguments\":\"{}\"}}]}}]}\n\n"
             "data: {\"choices\":[{\"delta\":{\"tool_calls\":[{\"id\":\"b\",\"function\":{\"name\":\"g\","
             "\"arguments\":{\"x\":1}}}]},\"finish_reason\":\"stop\"}],"
             "\"usage\":{\"prompt_tokens\":1,\"completion_tokens\":1}}\n\n"),
      "call 0 a f {}\ncall 1 b g {\"x\":1}\ntool_calls test-model 1/0/1\n\naf{}\nbg{\"x\":1}");
}

TEST_F(OpenAiServer, MayNotStreamAtAll) {
  server_.enqueue(
      http_reply(200, "application/json; charset=utf-8",
                 R"({"model":"m2","error":null,"choices":[{"index":0,"message":{"role":"assistant",)"
                 R"("content":[{"type":"text","text":"Hi"}]},"finish_reason":"stop"}],)"
                 R"("usage":{"prompt_tokens":4,"completion_tokens":2}})"));
  EXPECT_EQ(transcript(*model_, simple_request()), "text Hi\nend m2 4/0/2\nHi");
}

TEST_F(OpenAiServer, ThatRefusesAParameterIsAskedWithoutItFromThenOn) {
  server_.set_handler([](const RecordedRequest& request) {
    if (request.body.find("stream_options") != std::string::npos) {
      return http_reply(400, "application/json", R"({"detail":[{"msg":"extra field stream_options"}]})");
    }
    if (request.body.find("\"max_tokens\"") != std::string::npos) {
      return http_reply(
          400, "application/json",
          R"({"error":{"message":"Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens'."}})");
    }
    return chunked_reply(
        "data: {\"choices\":[{\"delta\":{\"content\":\"ok\"},\"finish_reason\":\"stop\"}]}\n\n");
  });
  ChatRequest request = simple_request();
  request.max_output_tokens = 5;
  EXPECT_EQ(model_->chat(request, {}, {}).message.text(), "ok");
  EXPECT_EQ(server_.n_requests(), 3u);
  EXPECT_EQ(model_->chat(request, {}, {}).message.text(), "ok");
  EXPECT_EQ(server_.n_requests(), 4u);
}

TEST_F(OpenAiServer, AStructuredAnswerIsCheckedAgainstItsSchema) {
  ChatRequest request = simple_request();
  request.response_format = JsonSchemaFormat{
      "city",
      parse_json(R"({"type":"object","properties":{"n":{"type":"integer"}},"required":["n"]})").as_object()};
  const auto ask = [&](std::string_view json) {
    const JsonObject delta{{"content", json}};
    server_.enqueue(chunked_reply(cat(
        "data: ",
        to_json(JsonObject{{"choices", JsonArray{JsonObject{{"delta", delta}, {"finish_reason", "stop"}}}}}),
        "\n\ndata: [DONE]\n\n")));
    return model_->chat(request, {}, {});
  };
  EXPECT_EQ(parse_structured(request, ask(R"({"n": 3})")).at("n"), 3);
  try {
    parse_structured(request, ask(R"({"n": "three"})"));
    FAIL();
  } catch (const CorruptData& error) {
    EXPECT_EQ(std::string_view(error.what()), "structured answer \"city\": $.n expected integer, got string");
  }
  EXPECT_THROW(parse_structured(request, ask("Here you are: {}")), CorruptData);
}

TEST_F(OpenAiServer, AToolCallWithAnAbsurdIndexIsCorrupt) {
  server_.enqueue(
      chunked_reply("data: {\"choices\":[{\"delta\":{\"tool_calls\":[{\"index\":9999999999,\"id\":\"a\","
                    "\"function\":{\"name\":\"f\"}}]}}]}\n\n"));
  EXPECT_THROW(transcript(*model_, simple_request()), CorruptData);
}

TEST(OpenAiModel, IsNamedAfterProviderAndModelAndAddsExtraMembers) {
  HttpScriptServer server;
  server.enqueue(chunked_reply("data: [DONE]\n\n"));
  OpenAiModel::Options options;
  options.provider = "ollama";
  options.model = "qwen3";
  options.base_url = server.url("/v1");
  options.extra_body = {{"reasoning_effort", "low"}};
  options.extra_headers = {{"X-Title", "Quintet"}};
  HttpClient client;
  OpenAiModel model(options, client);
  EXPECT_EQ(model.info().id, "ollama:qwen3");
  model.chat(simple_request(), {}, {});
  EXPECT_NE(server.requests().at(0).body.find(R"("reasoning_effort":"low")"), std::string::npos);
  EXPECT_EQ(server.requests().at(0).header("X-Title"), "Quintet");
  EXPECT_EQ(server.requests().at(0).header("Authorization"), "");
}

}  // namespace
}  // namespace quintet
