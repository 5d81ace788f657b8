#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "apps/faq/entry.h"
#include "apps/faq/matcher.h"

namespace quintet::faq {

/// A question and the entry that answers it; no entry = outside, it should be refused.
struct LabelledQuestion {
  std::string text;
  std::optional<std::size_t> entry;
};

/// A measured value with its 95 % confidence interval.
struct Estimate {
  double value = 0.0;
  double low = 0.0;
  double high = 0.0;
  std::size_t n = 0;  // questions it was measured on; 0 = nothing was measured
};

/// A share with Wilson's score interval (E. B. Wilson, 1927), which stays honest near 0 and 1.
Estimate share_of(std::size_t n_hits, std::size_t n);

/// retrieval::auroc() with a percentile bootstrap interval (fixed seed).
Estimate auroc_with_interval(std::span<const double> inside, std::span<const double> outside,
                             std::size_t n_resamples = 200);

struct EvaluationReport {
  Estimate top1;           // inside questions whose best entry is right, answered or not
  Estimate top3;           // ... whose right entry is among the first three
  Estimate answered;       // inside questions that were answered at the threshold
  Estimate precision;      // answered inside questions that got the right entry
  Estimate false_answers;  // outside questions that were answered
  Estimate separation;     // AUROC of the confidence, inside against outside
  double threshold = 0.0;
};

EvaluationReport evaluate(const Matcher& matcher, std::span<const LabelledQuestion> questions);

/// Plain BM25 over one text per entry (question, alternatives, answer): the row to beat. Its score stands in
/// for a confidence, and without a threshold it answers everything.
EvaluationReport evaluate_bm25(std::span<const FaqEntry> entries,
                               std::span<const LabelledQuestion> questions);

struct HoldOutOptions {
  double share_of_alternatives = 0.2;  // of each entry, turned into inside questions
  double share_of_entries = 0.0;       // hidden whole; all their phrasings become outside questions
  std::uint64_t seed = 1;
};

/// A knowledge base to train on and questions to ask it, made from one knowledge base by hiding part of it.
struct HeldOut {
  std::vector<FaqEntry> entries;
  std::vector<LabelledQuestion> questions;  // `entry` indexes the entries above
};
HeldOut hold_out(std::span<const FaqEntry> entries, const HoldOutOptions& options = {});

}  // namespace quintet::faq
