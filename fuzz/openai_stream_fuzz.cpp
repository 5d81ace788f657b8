// Whatever a server sends, both stream decoders end with an answer or a typed error, and show whole
// characters only.
// QN_FUZZ_LINK: quintet_llm
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "core/error.h"
#include "core/text.h"
#include "llm/anthropic_wire.h"
#include "llm/openai_wire.h"

namespace {

template <typename Decoder>
void decode(std::string_view stream, std::size_t piece_bytes) {
  const quintet::ChatSink sink = [](const quintet::ChatEvent& event) {
    const auto* text = std::get_if<quintet::TextDelta>(&event);
    if (text != nullptr && (text->text.empty() || quintet::find_invalid_utf8(text->text))) std::abort();
  };
  quintet::ResponseBuilder builder(sink);
  Decoder decoder;
  quintet::SseParser parser(64 * 1024);
  try {
    for (std::size_t at = 0; at < stream.size(); at += piece_bytes) {
      parser.feed(stream.substr(at, piece_bytes),
                  [&](const quintet::SseEvent& event) { decoder.take_event(event, builder); });
    }
    if (const auto body = quintet::try_parse_json(stream); body && body->is_object()) {
      decoder.take_body(body->get_object(), builder);
    }
  } catch (const quintet::Error& error) {
    if (error.code() == quintet::ErrorCode::internal) std::abort();
  }
  builder.take_message();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view stream(reinterpret_cast<const char*>(data) + 1, size - 1);
  decode<quintet::OpenAiStreamDecoder>(stream, 1 + data[0]);
  decode<quintet::AnthropicStreamDecoder>(stream, 1 + data[0]);
  quintet::read_provider_error(stream, data[0] % 2 == 0 ? 0 : 400);
  return 0;
}
