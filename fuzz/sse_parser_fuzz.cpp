// The events of a stream must not depend on how its bytes are cut. The first byte chooses the cuts.
// QN_FUZZ_LINK: quintet_net
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "core/error.h"
#include "net/sse_parser.h"

namespace {

constexpr std::size_t kMaxEventBytes = 4096;

/// Every event as one text; "!" last when the bound was reached.
std::vector<std::string> parse(std::string_view stream, std::size_t piece_bytes) {
  quintet::SseParser parser(kMaxEventBytes);
  std::vector<std::string> events;
  try {
    for (std::size_t at = 0; at < stream.size(); at += piece_bytes) {
      parser.feed(stream.substr(at, piece_bytes), [&](const quintet::SseEvent& event) {
        events.push_back(std::string(event.type) + '\0' + std::string(event.id) + '\0' +
                         std::string(event.data));
      });
    }
  } catch (const quintet::CorruptData&) {
    events.emplace_back("!");
  }
  return events;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view stream(reinterpret_cast<const char*>(data) + 1, size - 1);
  const auto whole = parse(stream, stream.size() + 1);
  if (parse(stream, 1 + data[0] % 16) != whole) std::abort();
  return 0;
}
