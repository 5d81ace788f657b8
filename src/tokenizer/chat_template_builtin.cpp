#include <algorithm>
#include <iterator>

#include "core/error.h"
#include "core/text.h"
#include "tokenizer/chat_template.h"

// Formats that models were trained on, written down here for files that carry no template. The facts are each
// model's published prompt format; the texts are ours and short: no tools, no thinking.

namespace quintet {
namespace {

struct Builtin {
  std::string_view name;
  std::string_view source;
};

constexpr Builtin kBuiltins[] = {
    {"alpaca",
     R"({%- for message in messages %}
{%- if message.role == 'system' %}{{ message.content | trim }}{{ '\n\n' }}
{%- elif message.role == 'user' %}{{ '### Instruction:\n' ~ message.content | trim ~ '\n\n' }}
{%- else %}{{ '### Response:\n' ~ message.content | trim ~ (eos_token or '') ~ '\n\n' }}
{%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}{{ '### Response:\n' }}{% endif %})"},
    {"chatml",
     R"({%- for message in messages %}
{{- '<|im_start|>' ~ message.role ~ '\n' ~ message.content ~ '<|im_end|>\n' }}
{%- endfor %}
{%- if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %})"},
    {"command-r",
     R"({{- bos_token or '' }}
{%- set names = {'system': 'SYSTEM', 'user': 'USER', 'assistant': 'CHATBOT'} %}
{%- for message in messages %}
{{- '<|START_OF_TURN_TOKEN|><|' ~ names.get(message.role, 'SYSTEM') ~ '_TOKEN|>' ~ message.content | trim }}
{{- '<|END_OF_TURN_TOKEN|>' }}
{%- endfor %}
{%- if add_generation_prompt %}{{ '<|START_OF_TURN_TOKEN|><|CHATBOT_TOKEN|>' }}{% endif %})"},
    {"deepseek",
     R"({{- bos_token or '' }}
{%- for message in messages %}
{%- if message.role == 'system' %}{{ message.content ~ '\n\n' }}
{%- elif message.role == 'user' %}{{ 'User: ' ~ message.content ~ '\n\n' }}
{%- else %}{{ 'Assistant: ' ~ message.content ~ (eos_token or '') }}
{%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}{{ 'Assistant:' }}{% endif %})"},
    {"deepseek-r1",
     R"({{- bos_token or '' }}
{%- for message in messages %}
{%- if message.role == 'system' %}{{ message.content }}
{%- elif message.role == 'user' %}{{ '<｜User｜>' ~ message.content }}
{%- else %}{{ '<｜Assistant｜>' ~ message.content.split('</think>')[-1] ~ '<｜end▁of▁sentence｜>' }}
{%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}{{ '<｜Assistant｜><think>\n' }}{% endif %})"},
    {"gemma",
     R"({{- bos_token or '' }}
{%- for message in messages %}
{%- if message.role == 'system' %}{{ raise_exception('this format has no system message') }}{% endif %}
{{- '<start_of_turn>' ~ ('model' if message.role == 'assistant' else message.role) ~ '\n' }}
{{- message.content | trim ~ '<end_of_turn>\n' }}
{%- endfor %}
{%- if add_generation_prompt %}{{ '<start_of_turn>model\n' }}{% endif %})"},
    {"llama2",
     R"({%- set ns = namespace(system='') %}
{%- for message in messages %}
{%- if message.role == 'system' %}{% set ns.system = '<<SYS>>\n' ~ message.content ~ '\n<</SYS>>\n\n' %}
{%- elif message.role == 'user' %}
{{- (bos_token or '') ~ '[INST] ' ~ ns.system ~ message.content | trim ~ ' [/INST]' }}
{%- set ns.system = '' %}
{%- else %}{{ ' ' ~ message.content | trim ~ ' ' ~ (eos_token or '') }}
{%- endif %}
{%- endfor %})"},
    {"llama3",
     R"({{- bos_token or '' }}
{%- for message in messages %}
{{- '<|start_header_id|>' ~ message.role ~ '<|end_header_id|>\n\n' ~ message.content | trim ~ '<|eot_id|>' }}
{%- endfor %}
{%- if add_generation_prompt %}{{ '<|start_header_id|>assistant<|end_header_id|>\n\n' }}{% endif %})"},
    {"mistral",
     R"({{- bos_token or '' }}
{%- set ns = namespace(system='') %}
{%- for message in messages %}
{%- if message.role == 'system' %}{% set ns.system = message.content ~ '\n\n' %}
{%- elif message.role == 'user' %}
{{- '[INST] ' ~ ns.system ~ message.content ~ ' [/INST]' }}
{%- set ns.system = '' %}
{%- else %}{{ ' ' ~ message.content | trim ~ (eos_token or '') }}
{%- endif %}
{%- endfor %})"},
    {"openchat",
     R"({{- bos_token or '' }}
{%- for message in messages %}
{%- if message.role == 'system' %}{{ message.content ~ '<|end_of_turn|>' }}
{%- else %}{{ 'GPT4 Correct ' ~ message.role | title ~ ': ' ~ message.content ~ '<|end_of_turn|>' }}
{%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}{{ 'GPT4 Correct Assistant:' }}{% endif %})"},
    {"phi3",
     R"({%- for message in messages %}
{{- '<|' ~ message.role ~ '|>\n' ~ message.content ~ '<|end|>\n' }}
{%- endfor %}
{%- if add_generation_prompt %}{{ '<|assistant|>\n' }}{% endif %})"},
    {"phi4",
     R"({%- for message in messages %}
{{- '<|im_start|>' ~ message.role ~ '<|im_sep|>' ~ message.content ~ '<|im_end|>' }}
{%- endfor %}
{%- if add_generation_prompt %}{{ '<|im_start|>assistant<|im_sep|>' }}{% endif %})"},
    {"plain",
     R"({%- for message in messages %}
{{- message.role | title ~ ': ' ~ message.content ~ '\n' }}
{%- endfor %}
{%- if add_generation_prompt %}{{ 'Assistant:' }}{% endif %})"},
    {"vicuna",
     R"({%- for message in messages %}
{%- if message.role == 'system' %}{{ message.content ~ ' ' }}
{%- elif message.role == 'user' %}{{ 'USER: ' ~ message.content | trim ~ ' ' }}
{%- else %}{{ 'ASSISTANT: ' ~ message.content | trim ~ (eos_token or '') }}
{%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}{{ 'ASSISTANT:' }}{% endif %})"},
    {"zephyr",
     R"({%- for message in messages %}
{{- '<|' ~ message.role ~ '|>\n' ~ message.content ~ (eos_token or '') ~ '\n' }}
{%- endfor %}
{%- if add_generation_prompt %}{{ '<|assistant|>\n' }}{% endif %})"},
};

}  // namespace

ChatTemplate ChatTemplate::builtin(std::string_view name) {
  for (const auto& builtin : kBuiltins)
    if (builtin.name == name) return parse(builtin.source, name);
  std::string known;
  for (const auto other : builtin_names()) known += cat(known.empty() ? "" : ", ", other);
  throw NotFound(
      cat("chat template: there is no built-in one named ", json_quote(name), "; there are: ", known));
}

std::vector<std::string_view> ChatTemplate::builtin_names() {
  std::vector<std::string_view> names;
  std::transform(std::begin(kBuiltins), std::end(kBuiltins), std::back_inserter(names),
                 [](const Builtin& builtin) { return builtin.name; });
  return names;
}

}  // namespace quintet
