#include "documents/chunking.h"

#include <algorithm>
#include <string>
#include <utility>

#include "core/error.h"
#include "core/text.h"
#include "documents/chunk_packing.h"
#include "documents/text_flow.h"

namespace quintet {
namespace {

constexpr ChunkStrategy kStrategies[] = {ChunkStrategy::structure, ChunkStrategy::fixed,
                                         ChunkStrategy::sentence_window, ChunkStrategy::semantic,
                                         ChunkStrategy::parent_child};
constexpr std::size_t kMaxHeadingBytes = 200;
constexpr int kMaxHeadingLevel = 9;

std::size_t estimated_tokens(std::string_view text) {
  std::size_t n_unspaced = 0;
  std::size_t n_other_bytes = 0;
  for (std::size_t pos = 0; pos < text.size();) {
    if (static_cast<unsigned char>(text[pos]) < 0x80) {
      ++pos;
      ++n_other_bytes;
      continue;
    }
    const std::size_t at = pos;
    if (is_unspaced_script(next_code_point(text, pos))) {
      ++n_unspaced;
    } else {
      n_other_bytes += pos - at;
    }
  }
  return n_unspaced + (n_other_bytes + 3) / 4;
}

void check(const ChunkOptions& options) {
  const auto require = [](bool holds, std::string_view what) {
    if (!holds) throw InvalidArgument(cat("chunking: ", what));
  };
  require(options.target_tokens >= 1, "target_tokens must be at least 1");
  require(options.max_tokens >= options.target_tokens, "max_tokens must not be below target_tokens");
  require(options.overlap_tokens < options.target_tokens, "overlap_tokens must be below target_tokens");
  require(options.window_sentences >= 1, "window_sentences must be at least 1");
  require(options.overlap_sentences < options.window_sentences,
          "overlap_sentences must be below window_sentences");
  if (options.strategy != ChunkStrategy::parent_child) return;
  require(options.parent_target_tokens > options.target_tokens,
          "parent_target_tokens must be above target_tokens");
  require(options.parent_max_tokens >= options.parent_target_tokens &&
              options.parent_max_tokens >= options.max_tokens,
          "parent_max_tokens must not be below parent_target_tokens and max_tokens");
}

ChunkOptions checked(ChunkOptions options) {
  check(options);
  if (!options.count_tokens) options.count_tokens = estimated_tokens;
  return options;
}

/// The text of a heading on one line.
std::string heading_title(std::string_view text) {
  std::string title;
  for (const char c : text) {
    const bool is_blank = c == ' ' || (c >= '\t' && c <= '\r');
    if (!is_blank) {
      title += c;
    } else if (!title.empty() && title.back() != ' ') {
      title += ' ';
    }
  }
  return std::string(trim(truncate_utf8(title, kMaxHeadingBytes)));
}

}  // namespace

std::string_view chunk_strategy_name(ChunkStrategy strategy) noexcept {
  switch (strategy) {
    case ChunkStrategy::structure: return "structure";
    case ChunkStrategy::fixed: return "fixed";
    case ChunkStrategy::sentence_window: return "sentence_window";
    case ChunkStrategy::semantic: return "semantic";
    case ChunkStrategy::parent_child: return "parent_child";
  }
  return "structure";
}

std::optional<ChunkStrategy> parse_chunk_strategy(std::string_view name) noexcept {
  for (const ChunkStrategy strategy : kStrategies)
    if (chunk_strategy_name(strategy) == name) return strategy;
  return std::nullopt;
}

class Chunker::Impl {
 public:
  explicit Impl(ChunkOptions options)
      : options_(checked(std::move(options))),
        body_(options_.count_tokens, options_.max_tokens,
              options_.strategy == ChunkStrategy::fixed ? TextFlow::Cut::words : TextFlow::Cut::sentences),
        notes_(options_.count_tokens, options_.max_tokens, TextFlow::Cut::sentences) {}

  void add(const Page& page) {
    std::uint32_t from = 0;
    for (const Block& block : page.blocks) {
      if (block.range.begin < from || block.range.end < block.range.begin ||
          block.range.end > page.text.size())
        throw InvalidArgument(cat("chunking: a block of page ", page.number, " is [", block.range.begin, ", ",
                                  block.range.end, ") in ", page.text.size(), " bytes after ", from));
      from = block.range.end;
      add(page, block);
    }
    // A reader that knows no blocks gives one piece of text.
    if (page.blocks.empty() && !page.text.empty()) add_whole(page);
  }

  void finish() {
    body_.close();
    notes_.close();
    drain(true);
  }

  std::vector<Chunk> take() { return std::exchange(ready_, {}); }

 private:
  void add(const Page& page, const Block& block) {
    switch (block.kind) {
      case BlockKind::page_header:
      case BlockKind::page_footer: return;
      case BlockKind::footnote: notes_.add(page, block, path_); return;
      case BlockKind::heading: enter(page, block); break;
      case BlockKind::paragraph:
      case BlockKind::list_item:
      case BlockKind::table:
      case BlockKind::caption:
      case BlockKind::code: break;
    }
    body_.add(page, block, path_);
    drain(false);
  }

  void add_whole(const Page& page) {
    Block whole;
    whole.range.end = static_cast<std::uint32_t>(page.text.size());
    add(page, whole);
  }

  void enter(const Page& page, const Block& block) {
    std::string title =
        heading_title(std::string_view(page.text).substr(block.range.begin, block.range.size()));
    if (title.empty()) return;
    const int level = std::clamp(block.level, 1, kMaxHeadingLevel);
    while (!levels_.empty() && levels_.back() >= level) levels_.pop_back();
    auto path = std::make_shared<std::vector<std::string>>();
    if (path_ != nullptr)
      path->assign(path_->begin(), path_->begin() + static_cast<std::ptrdiff_t>(levels_.size()));
    levels_.push_back(level);
    path->push_back(std::move(title));
    path_ = std::move(path);
  }

  void drain(bool is_final) {
    const ChunkBounds bounds{options_.target_tokens, options_.max_tokens};
    switch (options_.strategy) {
      case ChunkStrategy::structure: drain_blocks(body_, is_final); break;
      case ChunkStrategy::fixed:
        while (const auto cut = pack_tokens(body_, bounds, options_.overlap_tokens, is_final)) give(*cut);
        break;
      case ChunkStrategy::sentence_window:
        while (const auto cut = pack_window(body_, bounds, options_.window_sentences,
                                            options_.overlap_sentences, is_final))
          give(*cut);
        break;
      case ChunkStrategy::semantic: drain_subjects(is_final); break;
      case ChunkStrategy::parent_child: drain_parents(is_final); break;
    }
    drain_blocks(notes_, is_final);
  }

  void give(ChunkCut cut) {
    give(body_.chunk(0, cut.end));
    body_.drop(cut.next);
  }

  void give(Chunk chunk) {
    ready_.push_back(std::move(chunk));
    ++n_given_;
  }

  void drain_blocks(TextFlow& flow, bool is_final) {
    const ChunkBounds bounds{options_.target_tokens, options_.max_tokens};
    while (const auto end = pack_blocks(flow, 0, flow.n_units(), bounds, is_final)) {
      give(flow.chunk(0, *end));
      flow.drop(*end);
    }
  }

  void drain_subjects(bool is_final) {
    for (;;) {
      const std::vector<std::size_t> ends =
          pack_subjects(body_, {options_.target_tokens, options_.max_tokens}, options_.embed, is_final);
      if (ends.empty()) return;
      std::size_t begin = 0;
      for (const std::size_t end : ends) {
        give(body_.chunk(begin, end));
        begin = end;
      }
      body_.drop(begin);
    }
  }

  void drain_parents(bool is_final) {
    const ChunkBounds bounds{options_.target_tokens, options_.max_tokens};
    const ChunkBounds parent_bounds{options_.parent_target_tokens, options_.parent_max_tokens};
    while (const auto parent_end = pack_blocks(body_, 0, body_.n_units(), parent_bounds, is_final)) {
      std::vector<Chunk> children;
      for (std::size_t begin = 0; begin < *parent_end;) {
        const std::size_t end = pack_blocks(body_, begin, *parent_end, bounds, true).value_or(*parent_end);
        children.push_back(body_.chunk(begin, end));
        begin = end;
      }
      const int parent = children.size() > 1 ? n_given_ : -1;
      if (parent >= 0) give(body_.chunk(0, *parent_end));
      for (Chunk& child : children) {
        child.parent = parent;
        give(std::move(child));
      }
      body_.drop(*parent_end);
    }
  }

  const ChunkOptions options_;
  TextFlow body_;
  TextFlow notes_;
  std::shared_ptr<const std::vector<std::string>> path_;  // of headings
  std::vector<int> levels_;                               // of the path
  std::vector<Chunk> ready_;
  int n_given_ = 0;
};

Chunker::Chunker(ChunkOptions options) : impl_(std::make_unique<Impl>(std::move(options))) {}
Chunker::~Chunker() = default;
void Chunker::add(const Page& page) {
  impl_->add(page);
}
void Chunker::finish() {
  impl_->finish();
}
std::vector<Chunk> Chunker::take() {
  return impl_->take();
}

}  // namespace quintet
