#include "apps/faq/coverage.h"

#include <algorithm>
#include <cmath>
#include <functional>

#include "core/error.h"
#include "retrieval/english.h"

namespace quintet::faq {

namespace {

using retrieval::Token;

constexpr float kAnswerCredit = 0.6f;
constexpr double kFunctionWordWeight = 0.1;

std::uint64_t sense_of(const Token& token) {
  return std::hash<std::string>{}(token.sense);
}

}  // namespace

void Coverage::add_entry(std::span<const std::span<const Token>> phrasings, std::span<const Token> answer) {
  std::vector<Term> terms;
  const auto add_text = [&](std::span<const Token> text, float credit) {
    const std::size_t first = terms.size();
    for (const Token& token : text) {
      terms.push_back({sense_of(token), credit, 1});
      spelling_.add(token.word);
    }
    const auto begin = terms.begin() + static_cast<std::ptrdiff_t>(first);
    std::sort(begin, terms.end(), [](const Term& a, const Term& b) { return a.sense < b.sense; });
    const auto same = [](const Term& a, const Term& b) { return a.sense == b.sense; };
    terms.erase(std::unique(begin, terms.end(), same), terms.end());
  };
  for (const auto& phrasing : phrasings) add_text(phrasing, 1.0f);
  add_text(answer, kAnswerCredit);

  std::sort(terms.begin(), terms.end(), [](const Term& a, const Term& b) { return a.sense < b.sense; });
  for (std::size_t i = 0; i < terms.size();) {
    Term merged = terms[i];
    for (++i; i < terms.size() && terms[i].sense == merged.sense; ++i) {
      merged.credit = std::max(merged.credit, terms[i].credit);
      ++merged.n_phrasings;
    }
    ++entries_with_[merged.sense];
    terms_.push_back(merged);
  }
  begin_.push_back(terms_.size());
}

void Coverage::repair(std::vector<Token>& question) const {
  for (Token& token : question) {
    if (token.is_function || spelling_.contains(token.word) || entries_with_.contains(sense_of(token)))
      continue;
    // A word of the synonym table is a real word, not a slip.
    if (token.sense != token.stem) continue;
    if (const auto known = spelling_.nearest(token.word); !known.empty())
      token = retrieval::make_token(known);
  }
}

double Coverage::weight_of(const Token& token, std::uint64_t sense) const {
  const auto n_entries = static_cast<double>(begin_.size() - 1);
  const auto found = entries_with_.find(sense);
  const double n_with = found == entries_with_.end() ? 0.0 : static_cast<double>(found->second);
  const double idf = std::log((1.0 + n_entries) / (1.0 + n_with)) + 1.0;
  return token.is_function ? kFunctionWordWeight * idf : idf;
}

double Coverage::of_entry(std::span<const Token> question, std::size_t entry, bool is_own) const {
  QN_CHECK(entry + 1 < begin_.size());
  const auto first = terms_.begin() + static_cast<std::ptrdiff_t>(begin_[entry]);
  const auto last = terms_.begin() + static_cast<std::ptrdiff_t>(begin_[entry + 1]);
  double total = 0.0, covered = 0.0, content = 0.0;
  for (const Token& token : question) {
    const std::uint64_t sense = sense_of(token);
    const double weight = weight_of(token, sense);
    total += weight;
    const auto at =
        std::lower_bound(first, last, sense, [](const Term& t, std::uint64_t s) { return t.sense < s; });
    if (at == last || at->sense != sense || (is_own && at->n_phrasings < 2)) continue;
    covered += weight * at->credit;
    if (!token.is_function) content += weight;
  }
  return content > 0.0 ? covered / total : 0.0;
}

double Coverage::of_knowledge_base(std::span<const Token> question) const {
  double total = 0.0, covered = 0.0;
  for (const Token& token : question) {
    const std::uint64_t sense = sense_of(token);
    const double weight = weight_of(token, sense);
    total += weight;
    if (entries_with_.contains(sense)) covered += weight;
  }
  return total > 0.0 ? covered / total : 0.0;
}

}  // namespace quintet::faq
