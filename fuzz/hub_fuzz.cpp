// Whatever a hub, a web server or a person says, the readers of sources, file lists, Link and Content-Range
// headers give an answer or a typed error; a path that they let through stays below its folder, and what is
// written is read again as the same.
// QN_FUZZ_LINK: quintet_inference
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>

#include "core/error.h"
#include "core/text.h"
#include "inference/hub_choice.h"
#include "inference/hub_wire.h"
#include "inference/model_names.h"
#include "net/download.h"

using namespace quintet;

namespace {

void require(bool claim) {
  if (!claim) std::abort();
}

void require_inside(const std::string& path) {
  const auto joined = (std::filesystem::path("/models/a/b") / path).lexically_normal().string();
  require(joined.starts_with("/models/a/b/"));
}

void check_source(const HubSource& source) {
  require_inside(source.id());
  if (!source.file.empty()) require_inside(source.file);
  const HubSource again = parse_hub_source(source.text());
  require(again.id() == source.id() && again.file == source.file && again.revision == source.revision);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  try {
    switch (data[0] % 4) {
      case 0: {
        const auto files = parse_hub_tree(text);
        for (const auto& file : files) require_inside(file.path);
        HubSource source = parse_hub_source("hf:a/b");
        if (!files.empty() && data[0] >= 128) source.file = files.front().path;
        for (const auto& file : choose_hub_files(source, files)) require_inside(file.path);
        break;
      }
      case 1:
        if (const auto link = next_page_link(text)) require(text.find(*link) != std::string_view::npos);
        if (const auto range = parse_content_range(text))
          require(range->first <= range->last && (!range->total || range->last < *range->total));
        break;
      case 2: check_source(parse_hub_source(text)); break;
      case 3: {
        const auto source = hub_source_of_url(text, "https://hub.example");
        if (source && trim(source->text()) == source->text()) check_source(*source);
        if (const auto split = parse_split_name(text))
          require(split_name(split->stem, split->index, split->n_files).size() == text.size());
        quantization_in_name(text);
        break;
      }
    }
  } catch (const Error& error) {
    require(error.code() != ErrorCode::internal);
  }
  return 0;
}
