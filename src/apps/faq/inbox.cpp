// Clustering of the inbox: questions that ask about the same thing stand together.
#include <algorithm>
#include <cmath>
#include <numeric>
#include <unordered_map>

#include "apps/faq/question_log.h"
#include "retrieval/text_analysis.h"

namespace quintet::faq {

namespace {

// Chosen on paraphrase pairs: two wordings of one question share about a third of their weighted features,
// two questions that merely share function words under a tenth.
constexpr double kJoinSimilarity = 0.28;

using Features = std::unordered_map<std::string, double>;

/// Stems with their senses, so that "gift cards" and "a gift card" meet; character trigrams, for
/// misspellings.
Features features_of(std::string_view text) {
  constexpr double kFunctionWordWeight = 0.15;
  constexpr double kTrigramWeight = 0.25;
  Features features;
  for (const auto& token : retrieval::analyse(text)) {
    features["s:" + token.sense] += token.is_function ? kFunctionWordWeight : 1.0;
    if (token.is_function) continue;
    const std::string padded = " " + token.stem + " ";
    for (std::size_t at = 0; at + 3 <= padded.size(); ++at) features[padded.substr(at, 3)] += kTrigramWeight;
  }
  return features;
}

/// Weighs by inverse document frequency and scales to length 1.
void weigh(std::vector<Features>& all) {
  std::unordered_map<std::string, double> n_with;
  for (const auto& features : all)
    for (const auto& [name, count] : features) n_with[name] += 1;
  const auto n = static_cast<double>(all.size());
  for (auto& features : all) {
    double square = 0;
    for (auto& [name, value] : features) {
      value *= std::log(1 + n / n_with[name]);
      square += value * value;
    }
    const double scale = square > 0 ? 1 / std::sqrt(square) : 0;
    for (auto& [name, value] : features) value *= scale;
  }
}

struct Draft {
  Features centre;  // sum of the members' unit vectors
  std::vector<std::size_t> members;

  double similarity(const Features& features) const {
    double dot = 0;
    for (const auto& [name, value] : features) {
      if (const auto found = centre.find(name); found != centre.end()) dot += value * found->second;
    }
    return dot / static_cast<double>(members.size());  // the average link
  }
};

}  // namespace

std::int64_t InboxCluster::n_asked() const noexcept {
  return std::accumulate(
      questions.begin(), questions.end(), std::int64_t{0},
      [](std::int64_t sum, const InboxQuestion& question) { return sum + question.count; });
}

TimestampMs InboxCluster::last_asked() const noexcept {
  TimestampMs last = 0;
  for (const auto& question : questions) last = std::max(last, question.asked_at);
  return last;
}

std::vector<InboxCluster> cluster_questions(std::vector<InboxQuestion> questions) {
  std::vector<Features> features;
  features.reserve(questions.size());
  for (const auto& question : questions) features.push_back(features_of(question.text));
  weigh(features);
  std::vector<Draft> drafts;
  for (std::size_t i = 0; i < questions.size(); ++i) {
    Draft* best = nullptr;
    double best_similarity = kJoinSimilarity;
    for (auto& draft : drafts) {
      const double similarity = draft.similarity(features[i]);
      if (similarity >= best_similarity) {
        best_similarity = similarity;
        best = &draft;
      }
    }
    if (best == nullptr) best = &drafts.emplace_back();
    best->members.push_back(i);
    for (const auto& [name, value] : features[i]) best->centre[name] += value;
  }
  std::vector<InboxCluster> clusters;
  for (auto& draft : drafts) {
    std::stable_sort(draft.members.begin(), draft.members.end(), [&](std::size_t a, std::size_t b) {
      return draft.similarity(features[a]) > draft.similarity(features[b]);
    });
    InboxCluster& cluster = clusters.emplace_back();
    for (const std::size_t member : draft.members) cluster.questions.push_back(std::move(questions[member]));
  }
  std::stable_sort(clusters.begin(), clusters.end(), [](const InboxCluster& a, const InboxCluster& b) {
    return a.n_asked() != b.n_asked() ? a.n_asked() > b.n_asked() : a.last_asked() > b.last_asked();
  });
  return clusters;
}

}  // namespace quintet::faq
