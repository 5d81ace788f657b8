#include "apps/faq/import.h"
#include "commands.h"
#include "core/error.h"

// examples/sample-faq.json, in the file that qn_embed_file() makes.
extern "C" const char qn_sample_faq_begin[];
extern "C" const char qn_sample_faq_end[];

namespace quintet::cli {

void import_sample(Application& app) {
  faq::ImportResult result = faq::import_entries(
      {qn_sample_faq_begin, static_cast<std::size_t>(qn_sample_faq_end - qn_sample_faq_begin)},
      faq::FaqFormat::json);
  QN_CHECK(!result.has_errors() && !result.entries.empty());
  app.knowledge.create("quintet", "About Quintet", "A sample: questions about this program.");
  app.knowledge.import("quintet", std::move(result.entries), faq::ImportMode::merge, "cli", "the sample FAQ",
                       false);
}

}  // namespace quintet::cli
