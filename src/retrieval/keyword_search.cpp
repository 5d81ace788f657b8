#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <unordered_map>
#include <utility>

#include "core/json.h"
#include "core/text.h"
#include "retrieval/english.h"
#include "retrieval/keyword_index.h"
#include "retrieval/keyword_repair.h"
#include "retrieval/keyword_store.h"
#include "retrieval/keyword_terms.h"

namespace quintet::retrieval {

namespace {

constexpr std::size_t kMaxQueryTerms = 256;
// A filter that lets through at most this many chunks is read whole; a wider one is asked chunk by chunk,
// best first.
constexpr std::int64_t kNarrowFilter = 8'192;
// What BM25 gives, at the average length and k1 = 1.2, for one, two and four occurrences, as steps from one
// to the next.
constexpr std::array<std::pair<TermLevel, float>, 3> kLevels = {
    {{TermLevel::once, 1.0f}, {TermLevel::twice, 0.375f}, {TermLevel::four_times, 0.3f}}};

float inverse_frequency(std::int64_t n_chunks, std::int64_t n_with) {
  const auto n = static_cast<float>(std::max(n_chunks, n_with));
  const auto df = static_cast<float>(n_with);
  return std::log(1.0f + (n - df + 0.5f) / (df + 0.5f));
}

struct QueryTerm {
  std::vector<StemEntry> stems;  // one, or those that an unknown word may stand for
  std::string word;
  std::int64_t n_chunks = 0;
  float weight = 0;
};

struct Candidate {
  std::int64_t chunk = 0;
  float score = 0;
};

/// Two lists by chunk into one, the scores of chunks in both added up.
std::vector<Candidate> merge(const std::vector<Candidate>& a, const std::vector<Candidate>& b) {
  std::vector<Candidate> out;
  out.reserve(a.size() + b.size());
  std::size_t i = 0;
  std::size_t j = 0;
  while (i < a.size() && j < b.size()) {
    if (a[i].chunk < b[j].chunk) {
      out.push_back(a[i++]);
    } else if (b[j].chunk < a[i].chunk) {
      out.push_back(b[j++]);
    } else {
      out.push_back({a[i].chunk, a[i].score + b[j].score});
      ++i;
      ++j;
    }
  }
  out.insert(out.end(), a.begin() + static_cast<std::ptrdiff_t>(i), a.end());
  out.insert(out.end(), b.begin() + static_cast<std::ptrdiff_t>(j), b.end());
  return out;
}

class KeywordSearch {
 public:
  KeywordSearch(Connection& connection, const KeywordFilter& filter, const KeywordOptions& options)
      : connection_(connection), filter_(filter), options_(options), total_(keyword_stats(connection)) {}

  KeywordResult run(std::string_view question) {
    KeywordResult result;
    if (total_.n_chunks == 0 || options_.top_k == 0) return result;
    std::vector<QueryTerm> terms = read_question(question, result.terms);
    auto scored = score(terms, result.n_postings);
    if (options_.expand && !scored.empty()) {
      add_feedback(scored, terms, result.terms);
      scored = score(terms, result.n_postings);
    }
    scored.resize(std::min(scored.size(), options_.top_k));
    for (Scored& hit : scored) result.hits.push_back(std::move(hit.hit));
    return result;
  }

 private:
  struct Scored {
    KeywordHit hit;
    ChunkWords words;  // kept where feedback will read them
  };
  /// Which term of the question a word of the dictionary answers.
  struct WordRole {
    std::uint32_t term = 0;
    bool is_exact = false;
    std::string word;
  };

  std::vector<QueryTerm> read_question(std::string_view question, std::vector<KeywordQueryTerm>& shown) {
    struct Asked {
      KeywordTerm term;
      float count = 0;
    };
    std::vector<Asked> asked;
    bool has_content = false;
    for (KeywordTerm& term : keyword_terms(question)) {
      has_content = has_content || !term.is_function;
      const auto same =
          std::find_if(asked.begin(), asked.end(), [&](const Asked& a) { return a.term.stem == term.stem; });
      if (same != asked.end()) {
        same->count += 1;
      } else if (asked.size() < kMaxQueryTerms) {
        asked.push_back({std::move(term), 1});
      }
    }
    std::vector<QueryTerm> terms;
    for (Asked& a : asked) {
      KeywordQueryTerm about{.word = a.term.word, .stands_for = {}};
      if (!has_content || !a.term.is_function) {
        QueryTerm term{.stems = {}, .word = a.term.word};
        float share = 1.0f;
        if (const auto stem = find_stem(connection_, a.term.stem)) {
          term.stems.push_back(*stem);
        } else if (options_.repair) {
          KeywordRepair repair = repair_keyword(connection_, a.term.word);
          term.stems = std::move(repair.stems);
          about.stands_for = std::move(repair.words);
          share = repair.confidence;
        }
        for (const StemEntry& stem : term.stems) term.n_chunks += stem.n_chunks;
        if (!term.stems.empty()) {
          term.weight = a.count * share * inverse_frequency(total_.n_chunks, term.n_chunks);
          about.n_chunks = term.n_chunks;
          about.weight = term.weight;
          terms.push_back(std::move(term));
        }
      }
      shown.push_back(std::move(about));
    }
    return terms;
  }

  /// Lists of the rarest terms, until the budget is spent.
  std::vector<Candidate> gather(const std::vector<QueryTerm>& terms, std::size_t& n_postings) {
    std::vector<const QueryTerm*> by_rarity;
    for (const QueryTerm& term : terms) by_rarity.push_back(&term);
    std::stable_sort(by_rarity.begin(), by_rarity.end(),
                     [](const QueryTerm* a, const QueryTerm* b) { return a->n_chunks < b->n_chunks; });
    std::vector<Candidate> candidates;
    std::size_t n_read = 0;
    Statement find = connection_.prepare("SELECT rowid FROM keyword_postings WHERE keyword_postings MATCH ?");
    for (const QueryTerm* term : by_rarity) {
      if (n_read > 0 && n_read + static_cast<std::size_t>(term->n_chunks) > options_.max_postings) break;
      for (const StemEntry& stem : term->stems)
        for (const auto& [level, step] : kLevels) {
          std::vector<Candidate> list;
          find.bind(cat("\"", posting_token(stem.id, level), "\""));
          while (find.step()) list.push_back({find.integer(0), term->weight * step});
          find.reset();
          n_read += list.size();
          if (list.empty()) break;
          candidates = candidates.empty() ? std::move(list) : merge(candidates, list);
        }
    }
    n_postings += n_read;
    return candidates;
  }

  /// The chunks that the filter lets through, sorted, where they are few.
  std::optional<std::vector<std::int64_t>> narrow_filter() {
    const bool by_document = !filter_.documents.empty();
    if (!by_document && filter_.collections.empty()) return std::nullopt;
    Statement find = connection_.prepare(
        by_document
            ? "SELECT id FROM keyword_chunk WHERE document IN (SELECT value FROM json_each(?)) LIMIT ?"
            : "SELECT id FROM keyword_chunk WHERE collection IN (SELECT value FROM json_each(?)) LIMIT ?");
    find.bind(json_list(by_document ? filter_.documents : filter_.collections), kNarrowFilter + 1);
    std::vector<std::int64_t> ids;
    while (find.step()) ids.push_back(find.integer(0));
    if (static_cast<std::int64_t>(ids.size()) > kNarrowFilter) return std::nullopt;
    std::sort(ids.begin(), ids.end());
    return ids;
  }

  static std::string json_list(const std::vector<std::int64_t>& numbers) {
    std::string out = "[";
    for (const std::int64_t number : numbers) out += cat(out.size() > 1 ? "," : "", number);
    return out + "]";
  }

  bool passes(const KeywordHit& hit) const {
    const auto lists = [](const std::vector<std::int64_t>& allowed, std::int64_t value) {
      return allowed.empty() || std::find(allowed.begin(), allowed.end(), value) != allowed.end();
    };
    return lists(filter_.collections, hit.collection) && lists(filter_.documents, hit.document) &&
           !filter_.excluded.contains(hit.chunk);
  }

  std::unordered_map<std::int64_t, WordRole> roles_of(const std::vector<QueryTerm>& terms) {
    std::unordered_map<std::int64_t, WordRole> roles;
    Statement find = connection_.prepare("SELECT id, word FROM keyword_word WHERE stem_id = ?");
    for (std::size_t t = 0; t < terms.size(); ++t)
      for (const StemEntry& stem : terms[t].stems) {
        find.bind(stem.id);
        while (find.step()) {
          std::string word = find.text(1);
          const bool is_exact = word == terms[t].word;
          roles.try_emplace(find.integer(0),
                            WordRole{static_cast<std::uint32_t>(t), is_exact, std::move(word)});
        }
        find.reset();
      }
    return roles;
  }

  std::vector<Scored> score(const std::vector<QueryTerm>& terms, std::size_t& n_postings) {
    std::vector<Candidate> candidates = gather(terms, n_postings);
    if (const auto allowed = narrow_filter())
      std::erase_if(candidates, [&](const Candidate& c) {
        return !std::binary_search(allowed->begin(), allowed->end(), c.chunk);
      });
    const auto better = [](const Candidate& a, const Candidate& b) {
      return a.score != b.score ? a.score > b.score : a.chunk < b.chunk;
    };
    // Sorted as far as it is read: a filter may send the loop further down.
    const std::size_t n_wanted = std::max(options_.min_candidates, 2 * options_.top_k);
    std::size_t n_sorted = 0;
    const auto roles = roles_of(terms);
    std::vector<Scored> scored;
    Statement meta =
        connection_.prepare("SELECT collection, document, n_terms FROM keyword_chunk WHERE id = ?");
    Statement text = connection_.prepare("SELECT words FROM keyword_text WHERE chunk_id = ?");
    for (std::size_t i = 0; i < candidates.size() && scored.size() < n_wanted; ++i) {
      if (i == n_sorted) {
        n_sorted = std::min(candidates.size(), std::max(n_wanted, 2 * n_sorted));
        std::partial_sort(candidates.begin() + static_cast<std::ptrdiff_t>(i),
                          candidates.begin() + static_cast<std::ptrdiff_t>(n_sorted), candidates.end(),
                          better);
      }
      Scored entry;
      entry.hit.chunk = candidates[i].chunk;
      meta.bind(entry.hit.chunk);
      const bool is_there = meta.step();
      if (is_there) {
        entry.hit.collection = meta.integer(0);
        entry.hit.document = meta.integer(1);
      }
      const auto n_terms = is_there ? static_cast<float>(meta.integer(2)) : 0.0f;
      meta.reset();
      if (!is_there || !passes(entry.hit)) continue;
      text.bind(entry.hit.chunk);
      if (text.step()) decode_words(text.blob(0), entry.words);
      text.reset();
      score_exactly(terms, roles, n_terms, entry);
      scored.push_back(std::move(entry));
    }
    std::sort(scored.begin(), scored.end(), [](const Scored& a, const Scored& b) {
      return a.hit.score != b.hit.score ? a.hit.score > b.hit.score : a.hit.chunk < b.hit.chunk;
    });
    return scored;
  }

  void score_exactly(const std::vector<QueryTerm>& terms,
                     const std::unordered_map<std::int64_t, WordRole>& roles, float n_terms,
                     Scored& entry) const {
    struct Found {
      float count = 0;
      bool is_exact = false;
    };
    std::vector<Found> found(terms.size());
    const auto read = [&](const std::vector<std::int64_t>& words, float weight) {
      for (const std::int64_t word : words) {
        const auto role = roles.find(word);
        if (role == roles.end()) continue;
        Found& term = found[role->second.term];
        term.count += weight;
        term.is_exact = term.is_exact || role->second.is_exact;
        auto& matched = entry.hit.matched;
        if (std::find(matched.begin(), matched.end(), role->second.word) == matched.end())
          matched.push_back(role->second.word);
      }
    };
    read(entry.words.headings, options_.heading_weight);
    read(entry.words.body, 1.0f);
    const float mean_length =
        std::max(1.0f, static_cast<float>(total_.n_terms) /
                           static_cast<float>(std::max<std::int64_t>(1, total_.n_chunks)));
    const float norm = options_.k1 * (1.0f - options_.b + options_.b * n_terms / mean_length);
    for (std::size_t t = 0; t < terms.size(); ++t) {
      if (found[t].count <= 0) continue;
      const float saturated = found[t].count * (options_.k1 + 1.0f) / (found[t].count + norm);
      entry.hit.score +=
          terms[t].weight * saturated * (found[t].is_exact ? 1.0f + options_.exact_weight : 1.0f);
    }
  }

  void add_feedback(const std::vector<Scored>& scored, std::vector<QueryTerm>& terms,
                    std::vector<KeywordQueryTerm>& shown) {
    std::map<std::int64_t, float> word_counts;
    for (std::size_t i = 0; i < std::min(scored.size(), options_.n_feedback_chunks); ++i)
      for (const std::int64_t word : scored[i].words.body) word_counts[word] += 1;
    struct Stem {
      std::string word;
      std::int64_t n_chunks = 0;
      float count = 0;
    };
    std::map<std::int64_t, Stem> stems;
    Statement find = connection_.prepare(
        "SELECT w.word, s.id, s.n_chunks FROM keyword_word w JOIN keyword_stem s ON s.id = w.stem_id WHERE "
        "w.id = ?");
    for (const auto& [word, count] : word_counts) {
      find.bind(word);
      if (find.step()) {
        std::string name = find.text(0);
        if (!is_english_function_word(name)) {
          Stem& stem = stems[find.integer(1)];
          if (stem.word.empty()) stem.word = std::move(name);
          stem.n_chunks = find.integer(2);
          stem.count += count;
        }
      }
      find.reset();
    }
    std::vector<std::pair<float, std::int64_t>> ranked;
    for (const auto& [id, stem] : stems) {
      const float p = static_cast<float>(stem.n_chunks) / static_cast<float>(total_.n_chunks);
      ranked.emplace_back(stem.count * std::log2((1.0f + p) / std::max(p, 1e-9f)) + std::log2(1.0f + p), id);
    }
    std::sort(ranked.begin(), ranked.end(), [](const auto& a, const auto& b) {
      return a.first != b.first ? a.first > b.first : a.second < b.second;
    });
    ranked.resize(std::min(ranked.size(), options_.n_feedback_terms));
    for (const auto& [value, id] : ranked) {
      const Stem& stem = stems[id];
      const float weight = options_.feedback_weight * value / ranked.front().first *
                           inverse_frequency(total_.n_chunks, stem.n_chunks);
      const auto same = std::find_if(terms.begin(), terms.end(), [&, wanted = id](const QueryTerm& term) {
        return term.stems.size() == 1 && term.stems.front().id == wanted;
      });
      if (same != terms.end()) {
        same->weight += weight;
        continue;
      }
      terms.push_back(
          {.stems = {{id, stem.n_chunks}}, .word = stem.word, .n_chunks = stem.n_chunks, .weight = weight});
      shown.push_back({.word = stem.word,
                       .stands_for = {},
                       .n_chunks = stem.n_chunks,
                       .weight = weight,
                       .is_feedback = true});
    }
  }

  Connection& connection_;
  const KeywordFilter& filter_;
  const KeywordOptions& options_;
  KeywordStats total_;
};

}  // namespace

KeywordResult search_keywords(Connection& connection, std::string_view question, const KeywordFilter& filter,
                              const KeywordOptions& options) {
  return KeywordSearch(connection, filter, options).run(question);
}

}  // namespace quintet::retrieval
