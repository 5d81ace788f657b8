#include <cmath>
#include <limits>
#include <vector>

#include <gtest/gtest.h>

#include "retrieval/bm25.h"
#include "retrieval/cosine_index.h"
#include "retrieval/features.h"
#include "retrieval/spelling.h"

namespace quintet::retrieval {
namespace {

std::vector<RawFeature> features_of(std::string_view text) {
  return extract_features(analyse(text), ends_with_question_mark(text));
}

struct Corpus {
  std::vector<std::vector<RawFeature>> raw;
  Vocabulary vocabulary;
  std::vector<SparseVector> vectors;
  explicit Corpus(const std::vector<std::string>& texts) {
    for (const std::string& text : texts) raw.push_back(features_of(text));
    std::vector<const std::vector<RawFeature>*> pointers;
    for (const auto& features : raw) pointers.push_back(&features);
    vocabulary = Vocabulary::learn(pointers);
    for (const auto& features : raw) vectors.push_back(vocabulary.vectorise(features));
  }
};

const std::vector<std::string> kTexts = {"my card has not arrived", "where is my new card",
                                         "how do I change my PIN", "the cash machine kept my card",
                                         "what is the exchange rate?"};

TEST(Features, AreSortedUniqueAndDeterministic) {
  const auto features = features_of("the card and the other card");
  for (std::size_t i = 1; i < features.size(); ++i) EXPECT_LT(features[i - 1].hash, features[i].hash);
  const auto again = features_of("the card and the other card");
  ASSERT_EQ(features.size(), again.size());
  for (std::size_t i = 0; i < features.size(); ++i) EXPECT_EQ(features[i].hash, again[i].hash);
}

TEST(Features, WithoutPairsThereAreFewer) {
  const auto tokens = analyse("one two three four five six seven");
  const auto with = extract_features(tokens, false);
  const auto without = extract_features(tokens, false, {.with_pairs = false});
  EXPECT_EQ(with.size(), without.size() + 7 * 6 / 2);
}

TEST(Vocabulary, VectorsHaveUnitLengthAndSkipUnknownFeatures) {
  const Corpus corpus(kTexts);
  for (const SparseVector& vector : corpus.vectors) EXPECT_NEAR(dot(vector, vector), 1.0f, 1e-5f);
  EXPECT_TRUE(corpus.vocabulary.vectorise(features_of("zzz")).size() < 3);
}

TEST(Features, APairOfContentWordsMayWeighMore) {
  const auto tokens = analyse("the card expired");  // one pair of content words, two with "the"
  const auto plain = extract_features(tokens, false);
  const auto raised = extract_features(tokens, false, {.content_pair_weight = 2.0f});
  ASSERT_EQ(plain.size(), raised.size());
  std::size_t n_raised = 0;
  for (std::size_t i = 0; i < plain.size(); ++i) n_raised += raised[i].weight > plain[i].weight ? 1 : 0;
  EXPECT_EQ(n_raised, 1u);
}

TEST(Vocabulary, FocusRaisesFeaturesOfFewLabels) {
  constexpr FeatureOptions kSensesOnly = {.senses_only = true};
  std::vector<std::vector<RawFeature>> features;
  for (const auto* text : {"shared alpha", "shared alpha", "shared beta", "shared gamma"}) {
    features.push_back(extract_features(analyse(text), false, kSensesOnly));
  }
  std::vector<const std::vector<RawFeature>*> texts;
  for (const auto& f : features) texts.push_back(&f);
  Vocabulary plain = Vocabulary::learn(texts), focused = Vocabulary::learn(texts);
  const std::vector<std::uint32_t> labels = {0, 0, 1, 2};
  focused.focus(texts, labels, 3);
  const auto share_of_shared = [&](const Vocabulary& vocabulary) {
    const auto shared = vocabulary.vectorise(extract_features(analyse("shared"), false, kSensesOnly));
    return dot(vocabulary.vectorise(features[0]), shared);
  };
  EXPECT_LT(share_of_shared(focused), share_of_shared(plain));
}

TEST(CosineIndex, AgreesWithDotProductsWhenUnbounded) {
  const Corpus corpus(kTexts);
  const CosineIndex index(corpus.vectors, corpus.vocabulary.size());
  const SparseVector query = corpus.vocabulary.vectorise(features_of("has my card arrived?"));
  std::vector<float> scores;
  index.score(query, std::numeric_limits<std::size_t>::max(), scores);
  ASSERT_EQ(scores.size(), kTexts.size());
  for (std::size_t t = 0; t < kTexts.size(); ++t)
    EXPECT_NEAR(scores[t], dot(query, corpus.vectors[t]), 1e-5f);
}

TEST(CosineIndex, ABudgetLeavesOutTheCommonFeaturesFirst) {
  const Corpus corpus(kTexts);
  const CosineIndex index(corpus.vectors, corpus.vocabulary.size());
  const SparseVector query = corpus.vocabulary.vectorise(features_of("exchange card"));
  std::vector<float> scores;
  index.score(query, 10, scores);
  EXPECT_GT(scores[4], 0.0f);
  EXPECT_EQ(scores[0], 0.0f);
  index.score(query, 0, scores);
  for (const float score : scores) EXPECT_EQ(score, 0.0f);
}

TEST(Bm25, ScoreIsTheFormula) {
  Bm25Index index({.k1 = 1.2f, .b = 0.75f});
  index.add("apple banana apple");
  index.add("banana cherry");
  const auto hits = index.search("apple", 5);
  ASSERT_EQ(hits.size(), 1u);
  EXPECT_EQ(hits[0].text, 0u);
  const double idf = std::log(1.0 + (2.0 - 1.0 + 0.5) / (1.0 + 0.5));
  const double norm = 1.2 * (1.0 - 0.75 + 0.75 * 3.0 / 2.5);
  EXPECT_NEAR(hits[0].score, idf * 2.0 * 2.2 / (2.0 + norm), 1e-5);
}

TEST(Bm25, OrdersByScoreThenByNumberAndRespectsTopK) {
  Bm25Index index;
  for (int i = 0; i < 4; ++i) index.add("same words here");
  index.add("nothing alike");
  const auto hits = index.search("same words", 3);
  ASSERT_EQ(hits.size(), 3u);
  for (std::size_t i = 0; i < 3; ++i) EXPECT_EQ(hits[i].text, i);
  EXPECT_TRUE(index.search("unrelated", 3).empty());
  EXPECT_TRUE(Bm25Index().search("anything", 3).empty());
}

TEST(Spelling, RepairsOneSlipOfEachKind) {
  SpellingIndex index;
  for (const auto* word : {"password", "delivery", "transfer"}) index.add(word);
  index.finish();
  EXPECT_EQ(index.nearest("pasword"), "password");    // missing
  EXPECT_EQ(index.nearest("passwoord"), "password");  // added
  EXPECT_EQ(index.nearest("passwird"), "password");   // changed
  EXPECT_EQ(index.nearest("delviery"), "delivery");   // swapped
}

TEST(Spelling, LeavesOtherWordsAlone) {
  SpellingIndex index;
  for (const auto* word : {"password", "take", "nation", "12345"}) index.add(word);
  index.finish();
  EXPECT_EQ(index.nearest("passport"), "");
  EXPECT_EQ(index.nearest("cake"), "");
  EXPECT_EQ(index.nearest("ration"), "");
  EXPECT_EQ(index.nearest("12346"), "");
  EXPECT_EQ(index.nearest(""), "");
}

TEST(Spelling, TheMoreFrequentWordWins) {
  SpellingIndex index;
  index.add("charge", 1);
  index.add("change", 5);
  index.finish();
  EXPECT_EQ(index.nearest("chanrge"), "change");
}

}  // namespace
}  // namespace quintet::retrieval
