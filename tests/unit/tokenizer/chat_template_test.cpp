#include "tokenizer/chat_template.h"

#include <cstdlib>
#include <fstream>
#include <iterator>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/text.h"
#include "jinja_testing.h"
#include "testing/test_data.h"

namespace quintet {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

ChatTemplateInput conversation(std::string_view messages, bool generate = true) {
  ChatTemplateInput input;
  input.messages = parse_json(messages);
  input.add_generation_prompt = generate;
  input.variables["bos_token"] = "<s>";
  input.variables["eos_token"] = "</s>";
  input.now = kTestTime;
  return input;
}

constexpr std::string_view kTwoTurns =
    R"([{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi"},
  {"role": "assistant", "content": "Hello!"}, {"role": "user", "content": "Bye"}])";

// ChatML with tools and thinking, in the manner of current models.
constexpr std::string_view kToolTemplate = R"({%- if tools %}
{{- '<|im_start|>system\n' }}
{%- if messages[0].role == 'system' %}{{ messages[0].content ~ '\n\n' }}{% endif %}
{{- '<tools>' }}
{%- for tool in tools %}{{ '\n' ~ tool | tojson }}{% endfor %}
{{- '\n</tools><|im_end|>\n' }}
{%- elif messages[0].role == 'system' %}
{{- '<|im_start|>system\n' ~ messages[0].content ~ '<|im_end|>\n' }}
{%- endif %}
{%- for message in messages if not (loop is defined and message.role == 'system') and message.role != 'system' %}
{%- if message.role == 'tool' %}
{{- '<|im_start|>user\n<tool_response>' ~ message.content ~ '</tool_response><|im_end|>\n' }}
{%- else %}
{{- '<|im_start|>' ~ message.role ~ '\n' }}
{%- if message.reasoning_content %}{{ '<think>' ~ message.reasoning_content ~ '</think>\n' }}{% endif %}
{{- message.content }}
{%- for call in message.tool_calls or [] %}
{{- '<tool_call>' ~ {'name': call.function.name, 'arguments': call.function.arguments} | tojson ~ '</tool_call>' }}
{%- endfor %}
{{- '<|im_end|>\n' }}
{%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}
{{- '<|im_start|>assistant\n' }}
{%- if enable_thinking is defined and not enable_thinking %}{{ '<think>\n\n</think>\n\n' }}{% endif %}
{%- endif %})";

TEST(ChatTemplate, RendersAConversation) {
  const auto chatml = ChatTemplate::builtin("chatml");
  EXPECT_EQ(chatml.render(conversation(kTwoTurns)),
            "<|im_start|>system\nBe "
            "brief.<|im_end|>\n<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\nHello!<|im_end|>\n"
            "<|im_start|>user\nBye<|im_end|>\n<|im_start|>assistant\n");
  EXPECT_THAT(chatml.render(conversation(kTwoTurns, false)), Not(HasSubstr("assistant\n<|im_end|>")));
  EXPECT_EQ(chatml.name(), "chatml");
}

TEST(ChatTemplate, BuiltInFormatsAreWhatTheModelsWereTrainedOn) {
  const auto text = [](std::string_view name) {
    return ChatTemplate::builtin(name).render(conversation(kTwoTurns));
  };
  EXPECT_EQ(text("llama2"),
            "<s>[INST] <<SYS>>\nBe brief.\n<</SYS>>\n\nHi [/INST] Hello! </s><s>[INST] Bye [/INST]");
  EXPECT_EQ(text("llama3"),
            "<s><|start_header_id|>system<|end_header_id|>\n\nBe "
            "brief.<|eot_id|><|start_header_id|>user<|end_header_id|>\n\n"
            "Hi<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\nHello!<|eot_id|>"
            "<|start_header_id|>user<|end_header_id|>\n\nBye<|eot_id|><|start_header_id|>assistant<|end_"
            "header_id|>\n\n");
  EXPECT_EQ(text("mistral"), "<s>[INST] Be brief.\n\nHi [/INST] Hello!</s>[INST] Bye [/INST]");
  EXPECT_EQ(
      text("gemma"),
      "<s><start_of_turn>user\nBe brief.\n\nHi<end_of_turn>\n<start_of_turn>model\nHello!<end_of_turn>\n"
      "<start_of_turn>user\nBye<end_of_turn>\n<start_of_turn>model\n");
  EXPECT_EQ(text("phi3"),
            "<|system|>\nBe "
            "brief.<|end|>\n<|user|>\nHi<|end|>\n<|assistant|>\nHello!<|end|>\n<|user|>\nBye<|end|>\n<|"
            "assistant|>\n");
  EXPECT_EQ(text("phi4"),
            "<|im_start|>system<|im_sep|>Be "
            "brief.<|im_end|><|im_start|>user<|im_sep|>Hi<|im_end|><|im_start|>assistant<|im_sep|>"
            "Hello!<|im_end|><|im_start|>user<|im_sep|>Bye<|im_end|><|im_start|>assistant<|im_sep|>");
  EXPECT_EQ(text("zephyr"),
            "<|system|>\nBe "
            "brief.</s>\n<|user|>\nHi</s>\n<|assistant|>\nHello!</s>\n<|user|>\nBye</s>\n<|assistant|>\n");
  EXPECT_EQ(text("vicuna"), "Be brief. USER: Hi ASSISTANT: Hello!</s>USER: Bye ASSISTANT:");
  EXPECT_EQ(text("deepseek"), "<s>Be brief.\n\nUser: Hi\n\nAssistant: Hello!</s>User: Bye\n\nAssistant:");
  EXPECT_EQ(
      text("deepseek-r1"),
      "<s>Be "
      "brief.<｜User｜>Hi<｜Assistant｜>Hello!<｜end▁of▁sentence｜><｜User｜>Bye<｜Assistant｜><think>\n");
  EXPECT_EQ(text("command-r"),
            "<s><|START_OF_TURN_TOKEN|><|SYSTEM_TOKEN|>Be "
            "brief.<|END_OF_TURN_TOKEN|><|START_OF_TURN_TOKEN|><|USER_TOKEN|>Hi"
            "<|END_OF_TURN_TOKEN|><|START_OF_TURN_TOKEN|><|CHATBOT_TOKEN|>Hello!<|END_OF_TURN_TOKEN|><|START_"
            "OF_TURN_TOKEN|>"
            "<|USER_TOKEN|>Bye<|END_OF_TURN_TOKEN|><|START_OF_TURN_TOKEN|><|CHATBOT_TOKEN|>");
  EXPECT_EQ(text("openchat"),
            "<s>Be brief.<|end_of_turn|>GPT4 Correct User: Hi<|end_of_turn|>GPT4 Correct Assistant: "
            "Hello!<|end_of_turn|>"
            "GPT4 Correct User: Bye<|end_of_turn|>GPT4 Correct Assistant:");
  EXPECT_EQ(text("alpaca"),
            "Be brief.\n\n### Instruction:\nHi\n\n### Response:\nHello!</s>\n\n### Instruction:\nBye\n\n### "
            "Response:\n");
  EXPECT_EQ(text("plain"), "System: Be brief.\nUser: Hi\nAssistant: Hello!\nUser: Bye\nAssistant:");
}

TEST(ChatTemplate, BuiltInFormatsShowContentAndPartsAndKnowTheirNames) {
  const auto names = ChatTemplate::builtin_names();
  EXPECT_GE(names.size(), 15u);
  for (const auto name : names) {
    const auto found = ChatTemplate::builtin(name).capabilities();
    EXPECT_TRUE(found.text_content) << name;
    EXPECT_EQ(found.system, name != "gemma") << name;
    EXPECT_FALSE(found.tools) << name;
    EXPECT_EQ(found.thinking(), name == "deepseek-r1") << name;
  }
  EXPECT_THROW(ChatTemplate::builtin("llama9"), NotFound);
}

TEST(ChatTemplate, CapabilitiesAreFoundByTrying) {
  const auto found = ChatTemplate::parse(kToolTemplate).capabilities();
  EXPECT_TRUE(found.system && found.tools && found.tool_calls && found.tool_results);
  EXPECT_TRUE(found.reasoning && found.thinking_switch && found.thinking());
  EXPECT_FALSE(found.opens_thinking);
  EXPECT_TRUE(found.text_content && found.object_arguments);
  EXPECT_FALSE(found.content_parts || found.string_arguments || found.null_content);

  const auto plain = ChatTemplate::parse("{% for m in messages %}{{ m.content }}{% endfor %}").capabilities();
  EXPECT_TRUE(plain.system && plain.text_content);
  EXPECT_FALSE(plain.tools || plain.tool_calls || plain.thinking());

  const auto parts =
      ChatTemplate::parse(
          "{% for m in messages %}{% for p in m.content %}{{ p.text }}{% endfor %}{% endfor %}")
          .capabilities();
  EXPECT_TRUE(parts.content_parts);
  EXPECT_FALSE(parts.text_content);

  const auto concatenates = ChatTemplate::parse(
                                "{% for m in messages %}{% for c in m.tool_calls or [] %}{{ c.function.name "
                                "+ ' ' + c.function.arguments }}"
                                "{% endfor %}{{ m.content or '' }}{% endfor %}")
                                .capabilities();
  EXPECT_TRUE(concatenates.string_arguments && concatenates.null_content);
  EXPECT_FALSE(concatenates.object_arguments);

  const auto refuses = ChatTemplate::parse("{{ raise_exception('never') }}").capabilities();
  EXPECT_FALSE(refuses.text_content || refuses.system || refuses.tools);
}

TEST(ChatTemplate, ToolsCallsAndResultsAreShown) {
  auto input = conversation(R"([{"role": "user", "content": "Weather?"},
    {"role": "assistant", "content": null, "tool_calls": [{"id": "1", "type": "function", "function": {"name": "f", "arguments": "{\"a\": 1}"}}]},
    {"role": "tool", "tool_call_id": "1", "content": "22"}])");
  input.tools = parse_json(R"([{"type": "function", "function": {"name": "f"}}])");
  const auto chat_template = ChatTemplate::parse(kToolTemplate);
  EXPECT_EQ(chat_template.render(input),
            "<|im_start|>system\n<tools>\n{\"type\": \"function\", \"function\": {\"name\": "
            "\"f\"}}\n</tools><|im_end|>\n"
            "<|im_start|>user\nWeather?<|im_end|>\n<|im_start|>assistant\n"
            "<tool_call>{\"name\": \"f\", \"arguments\": {\"a\": 1}}</tool_call><|im_end|>\n"
            "<|im_start|>user\n<tool_response>22</tool_response><|im_end|>\n<|im_start|>assistant\n");
  input.adapt = false;  // exactly as given: JSON text is quoted again, null prints as Python's None
  EXPECT_THAT(chat_template.render(input),
              HasSubstr("assistant\nNone<tool_call>{\"name\": \"f\", \"arguments\": \"{\\\"a\\\": 1}\"}"));
}

TEST(ChatTemplate, VariablesReachTheTemplate) {
  const auto chat_template = ChatTemplate::parse(kToolTemplate);
  auto input = conversation(R"([{"role": "user", "content": "Hi"}])");
  input.variables["enable_thinking"] = false;
  EXPECT_EQ(chat_template.render(input),
            "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n<think>\n\n</think>\n\n");
  const auto shows = ChatTemplate::parse(
      "{{ bos_token }}{{ tools is none }}{{ documents is none }}{{ date }}{{ strftime_now('%Y') }}");
  input.variables["date"] = "today";
  EXPECT_EQ(shows.render(input), "<s>TrueTruetoday2024");
}

TEST(ChatTemplate, ASystemMessageThatIsRefusedGoesIntoTheFirstUserMessage) {
  const auto gemma = ChatTemplate::builtin("gemma");
  EXPECT_EQ(to_json(gemma.adapt(
                parse_json(R"([{"role": "system", "content": "S"}, {"role": "user", "content": "U"}])"))),
            R"([{"role":"user","content":"S\n\nU"}])");
  auto input = conversation(kTwoTurns);
  input.adapt = false;
  EXPECT_THROW(
      {
        try {
          gemma.render(input);
        } catch (const InvalidArgument& error) {
          EXPECT_THAT(error.what(), HasSubstr("chat template gemma, line 3, column "));
          EXPECT_THAT(error.what(),
                      HasSubstr("the template refuses this conversation: this format has no system message"));
          throw;
        }
      },
      InvalidArgument);
}

TEST(ChatTemplate, AdaptChangesOnlyWhatTheTemplateCannotShow) {
  const auto messages = parse_json(
      R"([{"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]},
    {"role": "user", "content": [{"type": "image"}, {"type": "text", "text": "c"}]}, {"role": "assistant", "content": null}])");
  EXPECT_EQ(
      to_json(ChatTemplate::builtin("chatml").adapt(messages)),
      R"([{"role":"user","content":"ab"},{"role":"user","content":[{"type":"image"},{"type":"text","text":"c"}]},{"role":"assistant","content":null}])");
  const auto parts = ChatTemplate::parse(
      "{% for m in messages %}{% for p in m.content %}{{ p.text }}{% endfor %}{% endfor %}");
  EXPECT_EQ(to_json(parts.adapt(parse_json(R"([{"role": "user", "content": "a"}])"))),
            R"([{"role":"user","content":[{"type":"text","text":"a"}]}])");
  const auto concatenates = ChatTemplate::parse(
      "{% for m in messages %}{% for c in m.tool_calls or [] %}{{ c.function.name + c.function.arguments "
      "}}{% endfor %}"
      "{{ m.content or '' }}{% endfor %}");
  EXPECT_EQ(
      concatenates.render(conversation(
          R"([{"role": "assistant", "tool_calls": [{"function": {"name": "f", "arguments": {"a": 1, "b": ["x"]}}}]}])")),
      R"(f{"a": 1, "b": ["x"]})");
}

TEST(ChatTemplate, MessagesOfTheWrongShapeAreRefused) {
  const auto chatml = ChatTemplate::builtin("chatml");
  for (const auto& [messages, reason] : {std::pair{"{}", "got no array"},
                                         {"[1]", "message 0 is no object"},
                                         {"[{}]", "message 0 has no role"}}) {
    try {
      chatml.render(conversation(messages));
      ADD_FAILURE() << messages;
    } catch (const InvalidArgument& error) {
      EXPECT_THAT(error.what(), HasSubstr(reason));
    }
  }
  auto input = conversation(kTwoTurns);
  input.tools = "f";
  EXPECT_THROW(chatml.render(input), InvalidArgument);
}

TEST(ChatTemplate, TheQwenTemplateOfTheTestDataRenders) {
  std::ifstream file(test_data("tokenizers/qwen2.5-0.5b-instruct/tokenizer_config.json"));
  if (!file) GTEST_SKIP() << kNoTestData;
  const std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  const auto config = parse_json(text);
  const auto qwen = ChatTemplate::parse(require_string(config.get_object(), "chat_template"), "qwen2.5");
  EXPECT_EQ(qwen.render(conversation(kTwoTurns)),
            ChatTemplate::builtin("chatml").render(conversation(kTwoTurns)));
  const auto& found = qwen.capabilities();
  EXPECT_TRUE(found.system && found.tools && found.tool_calls && found.tool_results &&
              found.object_arguments);
  EXPECT_FALSE(found.thinking());
}

}  // namespace
}  // namespace quintet
