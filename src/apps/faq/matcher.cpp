#include "apps/faq/matcher.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <unordered_map>
#include <utility>

#include "apps/faq/confidence.h"
#include "apps/faq/coverage.h"
#include "apps/faq/ranker.h"
#include "retrieval/features.h"
#include "retrieval/text_analysis.h"

namespace quintet::faq {

namespace {

using retrieval::RawFeature;
using retrieval::Token;

constexpr retrieval::AnalysisLimits kQuestionLimits = {.max_bytes = 4'096, .max_tokens = 200};
constexpr retrieval::AnalysisLimits kAnswerLimits = {.max_bytes = 8'192, .max_tokens = 400};

// A linear model needs a few phrasings per entry, and the confidence learned from it some entries to hide.
constexpr double kMinPhrasingsPerEntry = 4.0;
constexpr std::size_t kMinEntriesToHide = 8;
constexpr std::size_t kManyOutside = 2'000;  // phrasings from which on a third of the hidden ones is asked
constexpr std::size_t kMaxProbes = 400;      // questions asked of a neighbour ranker to learn its confidence
constexpr std::size_t kMinProbes = 150;      // below, the weights would be noise; the prior is not

// Threshold of the prior confidence, and bounds of every learned one: a knowledge base of near duplicates
// must not end up refusing its own questions.
constexpr double kPriorThreshold = 0.5;
constexpr double kMaxThreshold = 0.9;
constexpr float kFunctionWordWeight =
    0.3f;  // where the nearest phrasing decides: gained 0.11 with two phrasings

/// What evidence is worth to a linear model. With few phrasings it has to be told, with many it learns most
/// of it; chosen by measurement on Banking77, see docs/performance.md.
struct LinearWeights {
  float function_words;
  float characters;
  float content_pairs;
  float own_question;  // how often it counts: it names the topic, alternatives vary it
  float logistic;
  float bayes;
};
constexpr LinearWeights kFewPhrasings = {.function_words = 0.55f,
                                         .characters = 0.5f,
                                         .content_pairs = 2.0f,
                                         .own_question = 3.0f,
                                         .logistic = 0.3f,
                                         .bayes = 0.1f};
constexpr LinearWeights kManyPhrasings = {.function_words = 1.0f,
                                          .characters = 0.6f,
                                          .content_pairs = 1.5f,
                                          .own_question = 1.0f,
                                          .logistic = 0.15f,
                                          .bayes = 0.05f};
constexpr double kManyPerEntry = 30.0;
constexpr retrieval::FeatureOptions kAnswerFeatures = {.senses_only = true,
                                                       .function_word_weight = kFunctionWordWeight};
constexpr double kExactConfidence = 0.99;

std::uint64_t hash_words(std::span<const Token> tokens) {
  std::uint64_t h = 0xCBF2'9CE4'8422'2325;
  for (const Token& token : tokens) {
    for (const char c : token.word) h = (h ^ static_cast<unsigned char>(c)) * 0x0000'0100'0000'01B3;
    h = (h ^ 0x20) * 0x0000'0100'0000'01B3;
  }
  return h;
}

/// One way to ask, analysed.
struct Phrasing {
  std::vector<Token> tokens;
  std::vector<RawFeature> features;
  std::size_t entry = 0;
  float importance = 1.0f;
};

/// A value that at most `share` of `values` exceed, or 0 without values.
double upper_quantile(std::vector<double> values, double share) {
  if (values.empty()) return 0.0;
  std::sort(values.begin(), values.end(), std::greater<>());
  // One standard error less than allowed, so that few values are read with caution.
  const auto n = static_cast<double>(values.size());
  const double cautious = std::max(0.0, share - std::sqrt(share * (1.0 - share) / n));
  const auto n_allowed = static_cast<std::size_t>(cautious * n);
  return std::nextafter(values[std::min(n_allowed, values.size() - 1)], 2.0);
}

}  // namespace

struct Matcher::State {
  MatcherOptions options;
  std::size_t n_entries = 0;
  bool is_linear = false;
  retrieval::FeatureOptions feature_options;
  LinearOptions linear_options;
  Coverage coverage;
  Ranker ranker;
  ConfidenceModel confidence = ConfidenceModel::prior();
  double threshold = kPriorThreshold;
  std::unordered_map<std::uint64_t, std::uint32_t>
      exact;  // hash of the words -> entry that asks exactly this

  /// Adds the signals about words. `own_entry`: the question is one of that entry's phrasings.
  void complete(Ranking& ranking, std::span<const Token> tokens,
                std::size_t own_entry = Hidden::kNothing) const {
    auto& value = ranking.signals.value;
    value[Signals::length] = std::log1p(static_cast<double>(tokens.size()));
    value[Signals::known] = coverage.of_knowledge_base(tokens);
    if (ranking.top.empty()) return;
    const std::size_t best = ranking.top[0].entry;
    value[Signals::covered] = coverage.of_entry(tokens, best, best == own_entry);
  }

  void learn_from_hidden_entries(std::span<const Phrasing> phrasings);
  void learn_from_probes(std::span<const Phrasing> phrasings);
  void set_threshold(const std::vector<double>& outside);
};

void Matcher::State::set_threshold(const std::vector<double>& outside) {
  threshold = std::min(kMaxThreshold, upper_quantile(outside, options.max_false_answers));
}

/// Trains on part of the entries and part of their phrasings; the phrasings left out are inside questions,
/// those of the entries left out are outside questions.
void Matcher::State::learn_from_hidden_entries(std::span<const Phrasing> phrasings) {
  constexpr std::size_t kFolds = 3;
  LinearOptions quick = linear_options;
  quick.max_epochs = 7;
  const std::size_t outside_step = phrasings.size() > kManyOutside ? 3 : 1;
  std::vector<Signals> examples;
  std::vector<bool> labels;
  std::vector<bool> is_outside;
  for (std::size_t fold = 0; fold < kFolds; ++fold) {
    std::vector<std::uint32_t> position(n_entries, Hidden::kNothing);  // entry -> class of this fold
    std::vector<std::size_t> entry_of;
    for (std::size_t e = 0; e < n_entries; ++e) {
      if (e % kFolds == fold) continue;
      position[e] = static_cast<std::uint32_t>(entry_of.size());
      entry_of.push_back(e);
    }
    PhrasingSet kept;
    std::vector<std::size_t> asked;
    for (std::size_t i = 0; i < phrasings.size(); ++i) {
      const bool hidden_entry = position[phrasings[i].entry] == Hidden::kNothing;
      // Index i counts along each entry's phrasings, so a stride takes an even share of every entry.
      if (hidden_entry ? i % outside_step == 0 : i % 4 == fold) {
        asked.push_back(i);
      } else if (!hidden_entry) {
        kept.add(phrasings[i].features, position[phrasings[i].entry], phrasings[i].importance);
      }
    }
    const Ranker part = Ranker::train(kept, entry_of.size(), true, quick);
    for (const std::size_t i : asked) {
      const Phrasing& phrasing = phrasings[i];
      Ranking ranking = part.rank(phrasing.features, 1);
      if (ranking.top.empty()) continue;
      ranking.top[0].entry = entry_of[ranking.top[0].entry];
      complete(ranking, phrasing.tokens, phrasing.entry);
      examples.push_back(ranking.signals);
      labels.push_back(ranking.top[0].entry == phrasing.entry);
      is_outside.push_back(position[phrasing.entry] == Hidden::kNothing);
    }
  }
  confidence = ConfidenceModel::fit(examples, labels);
  std::vector<double> outside;
  for (std::size_t i = 0; i < examples.size(); ++i)
    if (is_outside[i]) outside.push_back(confidence(examples[i]));
  set_threshold(outside);
}

/// The same for neighbours, which can forget one phrasing or one entry without being trained again.
void Matcher::State::learn_from_probes(std::span<const Phrasing> phrasings) {
  const std::size_t step = std::max<std::size_t>(1, phrasings.size() / kMaxProbes);
  std::vector<Signals> examples;
  std::vector<bool> labels;
  std::vector<Signals> outside;
  std::vector<std::size_t> n_of_entry(n_entries, 0);
  for (const Phrasing& phrasing : phrasings) ++n_of_entry[phrasing.entry];
  for (std::size_t i = 0; i < phrasings.size(); i += step) {
    const Phrasing& phrasing = phrasings[i];
    const auto entry = static_cast<std::uint32_t>(phrasing.entry);
    Ranking without_entry = ranker.rank(phrasing.features, 1, {.entry = entry});
    complete(without_entry, phrasing.tokens);
    outside.push_back(without_entry.signals);
    if (n_of_entry[entry] < 2) continue;
    Ranking ranking = ranker.rank(phrasing.features, 1, {.phrasing = static_cast<std::uint32_t>(i)});
    complete(ranking, phrasing.tokens, phrasing.entry);
    examples.push_back(ranking.signals);
    labels.push_back(!ranking.top.empty() && ranking.top[0].entry == phrasing.entry);
  }
  const bool has_enough =
      examples.size() >= kMinProbes &&
      static_cast<double>(phrasings.size()) >= kMinPhrasingsPerEntry * static_cast<double>(n_entries);
  if (has_enough) {
    examples.insert(examples.end(), outside.begin(), outside.end());
    labels.resize(examples.size(), false);
    confidence = ConfidenceModel::fit(examples, labels);
  }
  std::vector<double> confidences;
  for (const Signals& signals : outside) confidences.push_back(confidence(signals));
  set_threshold(confidences);
  if (!has_enough) threshold = std::max(threshold, kPriorThreshold);
}

std::shared_ptr<const Matcher> Matcher::train(std::span<const FaqEntry> entries,
                                              const MatcherOptions& options) {
  auto state = std::make_unique<State>();
  state->options = options;
  state->n_entries = entries.size();

  std::size_t n_phrasings = 0;
  for (const FaqEntry& entry : entries) n_phrasings += 1 + entry.alternatives.size();
  state->is_linear =
      entries.size() >= kMinEntriesToHide &&
      static_cast<double>(n_phrasings) >= kMinPhrasingsPerEntry * static_cast<double>(entries.size()) &&
      n_phrasings * entries.size() <= options.linear_budget;
  state->feature_options.with_pairs = state->is_linear;
  // Trigrams alone find the nearest phrasing as well as 2- to 4-grams do, with a third of the features.
  if (!state->is_linear) state->feature_options.min_chars = state->feature_options.max_chars = 3;
  const double per_entry =
      static_cast<double>(n_phrasings) / static_cast<double>(std::max<std::size_t>(1, entries.size()));
  const LinearWeights& weights = per_entry < kManyPerEntry ? kFewPhrasings : kManyPhrasings;
  if (state->is_linear) {
    state->feature_options.function_word_weight = weights.function_words;
    state->feature_options.character_weight = weights.characters;
    state->feature_options.content_pair_weight = weights.content_pairs;
    state->linear_options.logistic_weight = weights.logistic;
    state->linear_options.bayes_weight = weights.bayes;
  } else {
    state->feature_options.function_word_weight = kFunctionWordWeight;
  }

  std::vector<std::vector<RawFeature>> answers;
  std::vector<Phrasing> phrasings;
  phrasings.reserve(n_phrasings);  // and so what views their tokens stays valid
  for (std::size_t e = 0; e < entries.size(); ++e) {
    std::vector<std::span<const Token>> of_entry;
    const auto add = [&](std::string_view text, float importance) {
      Phrasing phrasing;
      phrasing.importance = importance;
      phrasing.tokens = retrieval::analyse(text, kQuestionLimits);
      if (phrasing.tokens.empty()) return;
      phrasing.features = retrieval::extract_features(
          phrasing.tokens, retrieval::ends_with_question_mark(text), state->feature_options);
      phrasing.entry = e;
      state->exact.try_emplace(hash_words(phrasing.tokens), static_cast<std::uint32_t>(e));
      phrasings.push_back(std::move(phrasing));
      of_entry.push_back(phrasings.back().tokens);
    };
    add(entries[e].question, weights.own_question);
    for (const std::string& alternative : entries[e].alternatives) add(alternative, 1.0f);
    const auto answer = retrieval::analyse(entries[e].answer, kAnswerLimits);
    state->coverage.add_entry(of_entry, answer);
    if (!state->is_linear) answers.push_back(retrieval::extract_features(answer, false, kAnswerFeatures));
  }
  state->coverage.finish();

  PhrasingSet all;
  for (const Phrasing& phrasing : phrasings) all.add(phrasing.features, phrasing.entry, phrasing.importance);
  for (const auto& answer : answers) all.answers.push_back(&answer);
  state->ranker = Ranker::train(all, entries.size(), state->is_linear, state->linear_options);
  if (state->is_linear) {
    state->learn_from_hidden_entries(phrasings);
  } else if (entries.size() >= kMinEntriesToHide) {
    state->learn_from_probes(phrasings);
  }
  if (options.threshold) state->threshold = *options.threshold;
  return std::shared_ptr<const Matcher>(new Matcher(std::move(state)));
}

MatchResult Matcher::match(std::string_view question, std::size_t top_k) const {
  MatchResult result;
  result.threshold = state_->threshold;
  std::vector<Token> tokens = retrieval::analyse(question, kQuestionLimits);
  if (tokens.empty() || top_k == 0) return result;
  const auto exact = state_->exact.find(hash_words(tokens));
  if (exact == state_->exact.end()) state_->coverage.repair(tokens);

  const auto features = retrieval::extract_features(tokens, retrieval::ends_with_question_mark(question),
                                                    state_->feature_options);
  Ranking ranking = state_->ranker.rank(features, top_k);
  if (ranking.top.empty()) return result;
  state_->complete(ranking, tokens);

  // Without one content word in common nothing but form was compared.
  const double first =
      ranking.signals.value[Signals::covered] > 0.0 ? state_->confidence(ranking.signals) : 0.0;
  for (const RankedEntry& ranked : ranking.top) {
    result.ranked.push_back({ranked.entry, ranked.score, first * ranked.share / ranking.top[0].share});
  }
  if (exact != state_->exact.end()) {
    const std::size_t entry = exact->second;
    const auto found = std::find_if(result.ranked.begin(), result.ranked.end(),
                                    [entry](const Match& match) { return match.entry == entry; });
    if (found == result.ranked.end()) {
      result.ranked.back() = {entry, result.ranked.front().score, 0.0};
      std::rotate(result.ranked.begin(), result.ranked.end() - 1, result.ranked.end());
    } else {
      std::rotate(result.ranked.begin(), found, found + 1);
    }
    result.ranked.front().score = std::max(result.ranked.front().score, ranking.top[0].score);
    result.ranked.front().confidence = std::max(result.ranked.front().confidence, kExactConfidence);
  }
  result.answerable = result.ranked.front().confidence >= result.threshold;
  return result;
}

Matcher::Matcher(std::unique_ptr<const State> state) : state_(std::move(state)) {}
Matcher::~Matcher() = default;

double Matcher::threshold() const noexcept {
  return state_->threshold;
}
MatchMethod Matcher::method() const noexcept {
  return state_->is_linear ? MatchMethod::linear : MatchMethod::neighbours;
}
std::size_t Matcher::n_entries() const noexcept {
  return state_->n_entries;
}

}  // namespace quintet::faq
