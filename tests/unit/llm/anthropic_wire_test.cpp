#include "llm/anthropic_wire.h"

#include <gtest/gtest.h>

#include "llm/json_schema.h"
#include "provider_fixture.h"

namespace quintet {
namespace {

JsonObject encode(const ChatRequest& request) {
  return encode_anthropic_request(request, "m", kDefaultAnthropicMaxTokens);
}

TEST(AnthropicRequest, KeepsSystemTextsApartAndAlwaysLimitsTheOutput) {
  ChatRequest request = simple_request();
  request.messages.push_back(Message::system("Be kind."));
  EXPECT_EQ(to_json(encode(request)),
            R"({"model":"m","max_tokens":4096,"stream":true,"system":[{"type":"text","text":"Be brief."},)"
            R"({"type":"text","text":"Be kind."}],"messages":[{"role":"user","content":)"
            R"([{"type":"text","text":"Hello?"}]}]})");
  request.max_output_tokens = 7;
  EXPECT_EQ(encode(request).at("max_tokens"), 7);
}

TEST(AnthropicRequest, CarriesThoughtsToolCallsAndResults) {
  ChatRequest request;
  request.messages = {
      Message::user("Weather?"),
      {Role::assistant,
       {ReasoningPart{"hm", "sig"}, ReasoningPart{"", "redacted_thinking:blob"},
        ReasoningPart{"unsigned", ""}, TextPart{""}, ToolCallPart{"c1", "weather", R"({"city":"Rome"})"},
        ToolCallPart{"c2", "weather", "Rome"}, ToolCallPart{"c3", "now", ""}}},
      {Role::tool, {ToolResultPart{"c1", "18 degrees", true}}},
      {Role::tool, {ToolResultPart{"c2", "bad arguments", false}}},
      Message::user("And?")};
  const JsonObject body = encode(request);
  const JsonArray& messages = body.at("messages").as_array();
  ASSERT_EQ(messages.size(), 3u);  // results and the next question are one message of the user
  EXPECT_EQ(
      to_json(messages[1].at("content")),
      R"([{"type":"thinking","thinking":"hm","signature":"sig"},{"type":"redacted_thinking","data":"blob"},)"
      R"({"type":"tool_use","id":"c1","name":"weather","input":{"city":"Rome"}},)"
      R"({"type":"tool_use","id":"c2","name":"weather","input":{"malformed_arguments":"Rome"}},)"
      R"({"type":"tool_use","id":"c3","name":"now","input":{}}])");
  EXPECT_EQ(to_json(messages[2].at("content")),
            R"([{"type":"tool_result","tool_use_id":"c1","content":"18 degrees"},)"
            R"({"type":"tool_result","tool_use_id":"c2","content":"bad arguments","is_error":true},)"
            R"({"type":"text","text":"And?"}])");
}

TEST(AnthropicRequest, CarriesImages) {
  ChatRequest request;
  request.messages = {
      {Role::user, {ImagePart{"image/png", "Man", ""}, ImagePart{"", "", "https://x/y.png"}}}};
  EXPECT_EQ(to_json(encode(request).at("messages").at(0).at("content")),
            R"([{"type":"image","source":{"type":"base64","media_type":"image/png","data":"TWFu"}},)"
            R"({"type":"image","source":{"type":"url","url":"https://x/y.png"}}])");
}

TEST(AnthropicRequest, ForcesAToolForStructuredAnswers) {
  ChatRequest request = simple_request();
  request.response_format = JsonSchemaFormat{"city", parse_json(R"({"type":"object"})").as_object()};
  JsonObject body = encode(request);
  EXPECT_EQ(to_json(body.at("tool_choice")), R"({"type":"tool","name":"structured_answer"})");
  EXPECT_EQ(to_json(body.at("tools").at(0).at("input_schema")), R"({"type":"object"})");
  request.tools = {{.name = "f", .description = "d", .parameters = {}}};
  request.parallel_tool_calls = false;
  body = encode(request);
  EXPECT_EQ(to_json(body.at("tool_choice")), R"({"type":"any","disable_parallel_tool_use":true})");
  EXPECT_EQ(body.at("tools").as_array().size(), 2u);
}

class AnthropicServer : public ::testing::Test {
 protected:
  std::string answer(std::string_view stream) {
    server_.enqueue(chunked_reply(stream));
    return transcript(*model_, simple_request());
  }
  HttpScriptServer server_;
  std::unique_ptr<ChatModel> model_ = make_remote_model<AnthropicModel>(server_.url(), {});
};

std::string begin() {
  return anthropic_event("message_start",
                         R"("message":{"model":"c","usage":{"input_tokens":2,"output_tokens":1}})");
}
std::string end(std::string_view reason) {
  return anthropic_event("message_delta",
                         cat(R"("delta":{"stop_reason":")", reason, R"("},"usage":{"output_tokens":5})")) +
         anthropic_event("message_stop", "");
}
std::string block(int index, std::string_view content, std::string_view delta) {
  return anthropic_event("content_block_start", cat(R"("index":)", index, R"(,"content_block":)", content)) +
         (delta.empty()
              ? ""
              : anthropic_event("content_block_delta", cat(R"("index":)", index, R"(,"delta":)", delta))) +
         anthropic_event("content_block_stop", cat(R"("index":)", index));
}

TEST_F(AnthropicServer, IsAskedAtTheRightPlaceWithKeyAndVersion) {
  answer(begin() + end("end_turn"));
  const auto seen = server_.requests().at(0);
  EXPECT_EQ(seen.target, "/v1/messages");
  EXPECT_EQ(seen.header("x-api-key"), kTestKey);
  EXPECT_EQ(seen.header("anthropic-version"), "2023-06-01");
}

TEST_F(AnthropicServer, EndsForEachReason) {
  const std::string text = block(0, R"({"type":"text","text":"x"})", "");
  EXPECT_EQ(answer(begin() + text + end("end_turn")), "text x\nend c 2/0/5\nx");
  EXPECT_EQ(answer(begin() + text + end("max_tokens")), "text x\nmax_tokens c 2/0/5\nx");
  EXPECT_EQ(answer(begin() + text + end("stop_sequence")), "text x\nstop_sequence c 2/0/5\nx");
  EXPECT_EQ(answer(begin() + text + end("refusal")), "text x\nrefused c 2/0/5\nx");
}

TEST_F(AnthropicServer, AToolWithoutArgumentsGetsAnEmptyObject) {
  EXPECT_EQ(answer(begin() + block(0, R"({"type":"tool_use","id":"t","name":"now","input":{}})", "") +
                   end("tool_use")),
            "call 0 t now \ncall 0   {}\ntool_calls c 2/0/5\n\ntnow{}");
}

TEST_F(AnthropicServer, AForcedAnswerArrivesAsText) {
  EXPECT_EQ(answer(begin() +
                   block(0, R"({"type":"tool_use","id":"t","name":"structured_answer","input":{}})",
                         R"({"type":"input_json_delta","partial_json":"{\"n\":1}"})") +
                   end("tool_use")),
            "text {\"n\":1}\nend c 2/0/5\n{\"n\":1}");
}

TEST_F(AnthropicServer, UnknownEventsBlocksAndDeltasAreIgnored) {
  EXPECT_EQ(
      answer(begin() + anthropic_event("weather_report", R"("sun":true)") +
             block(0, R"({"type":"server_tool_use","id":"x"})", R"({"type":"sparkle_delta","glow":1})") +
             block(1, R"({"type":"text","text":"x"})", R"({"type":"citations_delta","citation":{}})") +
             end("end_turn")),
      "text x\nend c 2/0/5\nx");
}

TEST_F(AnthropicServer, HiddenThoughtsAreKeptToBeSentBack) {
  server_.enqueue(chunked_reply(
      begin() + block(0, R"({"type":"redacted_thinking","data":"blob"})", "") +
      block(1, R"({"type":"thinking","thinking":""})", R"({"type":"signature_delta","signature":"sig"})") +
      block(2, R"({"type":"text","text":"x"})", "") + end("end_turn")));
  ChatRequest again;
  again.messages = {Message::user("q"), model_->chat(simple_request(), {}, {}).message};
  EXPECT_EQ(
      to_json(encode(again).at("messages").at(1).at("content")),
      R"([{"type":"redacted_thinking","data":"blob"},{"type":"thinking","thinking":"","signature":"sig"},)"
      R"({"type":"text","text":"x"}])");
}

TEST_F(AnthropicServer, MayNotStreamAtAll) {
  server_.enqueue(
      http_reply(200, "application/json",
                 R"({"model":"c","content":[{"type":"text","text":"Hi"},{"type":"tool_use","id":"t",)"
                 R"("name":"f","input":{"a":1}}],"stop_reason":"tool_use",)"
                 R"("usage":{"input_tokens":4,"output_tokens":2}})"));
  EXPECT_EQ(transcript(*model_, simple_request()),
            "text Hi\ncall 0 t f \ncall 0   {\"a\":1}\ntool_calls c 4/0/2\nHi\ntf{\"a\":1}");
}

TEST_F(AnthropicServer, ArgumentsForABlockThatDidNotBeginAreCorrupt) {
  server_.enqueue(chunked_reply(
      begin() + anthropic_event("content_block_delta",
                                R"("index":3,"delta":{"type":"input_json_delta","partial_json":"{"})")));
  EXPECT_THROW(transcript(*model_, simple_request()), CorruptData);
}

}  // namespace
}  // namespace quintet
