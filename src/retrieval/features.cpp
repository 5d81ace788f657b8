#include "retrieval/features.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <string>

#include "core/text.h"

namespace quintet::retrieval {

namespace {

constexpr std::uint64_t kFnvPrime = 0x0000'0100'0000'01B3;
constexpr std::uint64_t kFnvBasis = 0xCBF2'9CE4'8422'2325;

std::uint64_t mix(std::uint64_t h) noexcept {  // finaliser of splitmix64
  h = (h ^ (h >> 30)) * 0xBF58'476D'1CE4'E5B9;
  h = (h ^ (h >> 27)) * 0x94D0'49BB'1331'11EB;
  return h ^ (h >> 31);
}

std::uint64_t hash_text(std::string_view text) noexcept {
  std::uint64_t h = kFnvBasis;
  for (const char c : text) h = (h ^ static_cast<unsigned char>(c)) * kFnvPrime;
  return mix(h);
}

std::uint64_t hash_of(FeatureKind kind, std::uint64_t content) noexcept {
  return mix(content + 0x9E37'79B9'7F4A'7C15 * (static_cast<std::uint64_t>(kind) + 1));
}

std::uint64_t combine(std::uint64_t a, std::uint64_t b) noexcept {
  return mix(a * 3 + std::rotl(b, 17));
}

class FeatureList {
 public:
  void reserve(std::size_t n) { features_.reserve(n); }
  void add(FeatureKind kind, std::uint64_t content, float block_weight = 1.0f) {
    features_.push_back({hash_of(kind, content), block_weight});
  }

  /// Merges equal features: weight = block weight · (1 + ln count).
  std::vector<RawFeature> merge() {
    std::sort(features_.begin(), features_.end(),
              [](const RawFeature& a, const RawFeature& b) { return a.hash < b.hash; });
    std::size_t n = 0;
    for (std::size_t i = 0; i < features_.size();) {
      std::size_t j = i + 1;
      while (j < features_.size() && features_[j].hash == features_[i].hash) ++j;
      RawFeature merged = features_[i];
      if (j - i > 1) merged.weight *= 1.0f + std::log(static_cast<float>(j - i));
      features_[n++] = merged;
      i = j;
    }
    features_.resize(n);
    return std::move(features_);
  }

 private:
  std::vector<RawFeature> features_;
};

void add_character_features(FeatureList& list, const std::string& word, float weight,
                            const FeatureOptions& options) {
  if (options.max_chars == 0) return;
  char32_t letters[72];
  std::size_t n = 0;
  letters[n++] = U'<';
  for (std::size_t pos = 0; pos < word.size() && n < 70;) letters[n++] = next_code_point(word, pos);
  letters[n++] = U'>';
  for (std::size_t begin = 0; begin < n; ++begin) {
    std::uint64_t h = kFnvBasis;
    for (std::size_t length = 1; length <= options.max_chars && begin + length <= n; ++length) {
      h = (h ^ letters[begin + length - 1]) * kFnvPrime;
      if (length >= options.min_chars) list.add(FeatureKind::characters, h, weight);
    }
  }
}

}  // namespace

bool ends_with_question_mark(std::string_view text) noexcept {
  text = trim(text);
  return text.ends_with("?") || text.ends_with("？") || text.ends_with("؟");
}

std::vector<RawFeature> extract_features(std::span<const Token> tokens, bool is_question,
                                         const FeatureOptions& options) {
  FeatureList list;
  list.reserve(tokens.size() * 24 + 64);
  std::vector<std::uint64_t> senses;
  senses.reserve(tokens.size());
  for (const Token& token : tokens) {
    const float weight = token.is_function ? options.function_word_weight : 1.0f;
    if (options.senses_only) {
      list.add(FeatureKind::sense, hash_text(token.sense), weight);
      continue;
    }
    list.add(FeatureKind::word, hash_text(token.word), weight);
    list.add(FeatureKind::stem, hash_text(token.stem), weight);
    senses.push_back(hash_text(token.sense));
    list.add(FeatureKind::sense, senses.back(), weight);
    add_character_features(list, token.word, weight * options.character_weight, options);
  }
  if (tokens.empty() || options.senses_only) return list.merge();

  constexpr std::uint64_t kBegin = 1, kEnd = 2, kFirst = 3, kFirstTwo = 4, kQuestion = 5;
  std::uint64_t previous = kBegin;
  float previous_weight = options.function_word_weight;
  for (std::size_t i = 0; i <= senses.size(); ++i) {
    const bool at_end = i == senses.size();
    const std::uint64_t sense = at_end ? kEnd : senses[i];
    const float weight = at_end || tokens[i].is_function ? options.function_word_weight : 1.0f;
    list.add(FeatureKind::sense_bigram, combine(previous, sense), std::max(weight, previous_weight));
    previous = sense;
    previous_weight = weight;
  }

  const float form_weight = options.function_word_weight;
  const std::uint64_t first = hash_text(tokens[0].word);
  list.add(FeatureKind::opening, combine(kFirst, first), form_weight);
  if (tokens.size() > 1) {
    list.add(FeatureKind::opening, combine(combine(kFirstTwo, first), hash_text(tokens[1].word)),
             form_weight);
  }
  list.add(FeatureKind::opening, combine(kQuestion, is_question ? 1 : 0), form_weight);

  if (options.with_pairs) {
    std::vector<std::pair<std::uint64_t, bool>> distinct;
    for (std::size_t i = 0; i < senses.size(); ++i) {
      if (distinct.size() >= options.max_paired_words) break;
      const auto same = [&](const auto& d) { return d.first == senses[i]; };
      if (std::none_of(distinct.begin(), distinct.end(), same))
        distinct.emplace_back(senses[i], tokens[i].is_function);
    }
    std::sort(distinct.begin(), distinct.end());
    for (std::size_t i = 0; i < distinct.size(); ++i) {
      for (std::size_t j = i + 1; j < distinct.size(); ++j) {
        const bool is_content = !distinct[i].second && !distinct[j].second;
        list.add(FeatureKind::sense_pair, combine(distinct[i].first, distinct[j].first),
                 is_content ? options.content_pair_weight : 1.0f);
      }
    }
  }
  return list.merge();
}

float dot(std::span<const SparseEntry> a, std::span<const SparseEntry> b) noexcept {
  float sum = 0.0f;
  for (std::size_t i = 0, j = 0; i < a.size() && j < b.size();) {
    if (a[i].index == b[j].index) {
      sum += a[i++].value * b[j++].value;
    } else if (a[i].index < b[j].index) {
      ++i;
    } else {
      ++j;
    }
  }
  return sum;
}

std::uint32_t Vocabulary::find(std::uint64_t hash) const noexcept {
  if (slots_.empty()) return kAbsent;
  const std::size_t mask = slots_.size() - 1;
  for (std::size_t at = hash & mask;; at = (at + 1) & mask) {
    const Slot& slot = slots_[at];
    if (slot.index == kAbsent || slot.hash == hash) return slot.index;
  }
}

Vocabulary Vocabulary::learn(std::span<const std::vector<RawFeature>* const> texts) {
  // Sorting all hashes counts them without a growing table, and gives indices that depend on nothing else.
  std::size_t total = 0;
  for (const auto* text : texts) total += text->size();
  std::vector<std::uint64_t> hashes;
  hashes.reserve(total);
  for (const auto* text : texts)
    for (const RawFeature& feature : *text) hashes.push_back(feature.hash);
  std::sort(hashes.begin(), hashes.end());

  Vocabulary vocabulary;
  std::vector<std::uint64_t> kept;
  const auto n_texts = static_cast<float>(texts.size());
  for (std::size_t i = 0; i < hashes.size();) {
    std::size_t j = i + 1;
    while (j < hashes.size() && hashes[j] == hashes[i]) ++j;
    const auto df = static_cast<float>(j - i);
    kept.push_back(hashes[i]);
    vocabulary.idf_.push_back(std::sqrt(std::log((1.0f + n_texts) / (1.0f + df)) + 1.0f));
    i = j;
  }
  vocabulary.slots_.resize(std::bit_ceil(kept.size() * 2 + 2));
  const std::size_t mask = vocabulary.slots_.size() - 1;
  for (std::size_t index = 0; index < kept.size(); ++index) {
    std::size_t at = kept[index] & mask;
    while (vocabulary.slots_[at].index != kAbsent) at = (at + 1) & mask;
    vocabulary.slots_[at] = {kept[index], static_cast<std::uint32_t>(index)};
  }
  return vocabulary;
}

void Vocabulary::focus(std::span<const std::vector<RawFeature>* const> texts,
                       std::span<const std::uint32_t> labels, std::size_t n_labels) {
  constexpr double kFocus = 0.4;  // chosen by measurement
  struct Count {
    std::uint32_t label = 0;
    std::uint32_t n = 0;
  };
  std::vector<std::vector<Count>> counts(size());
  for (std::size_t t = 0; t < texts.size(); ++t) {
    for (const RawFeature& feature : *texts[t]) {
      const std::uint32_t index = find(feature.hash);
      if (index == kAbsent) continue;
      auto& of_feature = counts[index];
      if (of_feature.empty() || of_feature.back().label != labels[t]) of_feature.push_back({labels[t], 0});
      ++of_feature.back().n;
    }
  }
  for (std::size_t f = 0; f < counts.size(); ++f) {
    double total = 0.0, sum = 0.0;
    for (const Count& c : counts[f]) {
      total += c.n;
      sum += c.n * std::log(static_cast<double>(c.n));
    }
    if (total == 0.0) continue;
    const double entropy = std::log(total) - sum / total;
    idf_[f] *= static_cast<float>(std::pow(std::log(static_cast<double>(n_labels)) - entropy + 1.0, kFocus));
  }
}

SparseVector Vocabulary::vectorise(std::span<const RawFeature> features) const {
  SparseVector vector;
  vector.reserve(features.size());
  float squares = 0.0f;
  for (const RawFeature& feature : features) {
    const std::uint32_t index = find(feature.hash);
    if (index == kAbsent) continue;
    const float value = feature.weight * idf_[index];
    squares += value * value;
    vector.push_back({index, value});
  }
  if (squares > 0.0f) {
    const float scale = 1.0f / std::sqrt(squares);
    for (SparseEntry& entry : vector) entry.value *= scale;
  }
  return vector;
}

}  // namespace quintet::retrieval
