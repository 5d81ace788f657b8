#include "apps/faq/import.h"
#include "commands.h"
#include "core/error.h"

namespace quintet {
/// examples/sample-faq.json
std::string_view sample_faq() noexcept;
}  // namespace quintet

namespace quintet::cli {

void import_sample(Application& app) {
  faq::ImportResult result = faq::import_entries(sample_faq(), faq::FaqFormat::json);
  QN_CHECK(!result.has_errors() && !result.entries.empty());
  app.knowledge.create("quintet", "About Quintet", "A sample: questions about this program.");
  app.knowledge.import("quintet", std::move(result.entries), faq::ImportMode::merge, "cli", "the sample FAQ", false);
}

}  // namespace quintet::cli
