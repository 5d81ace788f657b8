#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace quintet::faq {

/// What the prompt asks a generative model to say, and nothing else, when the entries do not answer the
/// question.
constexpr std::string_view kRefusalMarker = "NO_ANSWER";

/// Takes a generative answer as it streams, splits the citation marks "[E3]" or "[E1, E4]" from the text that
/// is shown, and recognises the refusal marker. Whatever could still become a mark is held back, so that half
/// a mark is never shown. Used by one thread.
class CitationFilter {
 public:
  /// `n_sources`: marks E1 … En are valid; others are removed too, and counted.
  explicit CitationFilter(std::size_t n_sources) : n_sources_(n_sources) {}

  /// The text that can be shown now.
  std::string feed(std::string_view delta);
  /// What was held back, once the stream has ended.
  std::string finish();

  bool refused() const noexcept { return refused_; }
  /// Cited sources, from 0, in order of first mention.
  const std::vector<std::size_t>& cited() const noexcept { return cited_; }
  std::size_t n_invalid() const noexcept { return n_invalid_; }

 private:
  bool take_mark(std::string_view inside);

  std::size_t n_sources_;
  std::string held_;
  bool begun_ = false;  // something was shown, so the refusal marker is no longer possible
  bool refused_ = false;
  std::vector<std::size_t> cited_;
  std::size_t n_invalid_ = 0;
};

}  // namespace quintet::faq
