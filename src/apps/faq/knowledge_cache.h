#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "apps/faq/knowledge_store.h"
#include "apps/faq/matcher.h"

namespace quintet::faq {

/// A knowledge base ready to answer: its entries, and a matcher trained on exactly these. Immutable and
/// shared by every question that is under way; an edit makes a new one.
struct TrainedKnowledge {
  KnowledgeBase kb;
  std::vector<FaqEntry> entries;
  std::unordered_map<std::string, std::size_t> by_id;
  std::shared_ptr<const Matcher> matcher;
  std::int64_t n_tokens = 0;  // of all questions and answers, estimated

  const FaqEntry* find(std::string_view id) const;
};

/// Trains knowledge bases when they change and hands out the current one. Any thread.
///
/// A change made through this process is seen by the next question (call `refresh` after the write); one made
/// by another process (`quintet faq import` beside a server) within `kCheckInterval`.
class KnowledgeCache {
 public:
  explicit KnowledgeCache(const KnowledgeStore& store) : store_(store) {}

  /// Throws NotFound for a name that does not exist. Trains when needed, holding up only callers of this
  /// name.
  std::shared_ptr<const TrainedKnowledge> get(std::string_view kb);
  /// Reads the knowledge base again and trains if it changed; forgets it when it is gone.
  void refresh(std::string_view kb);

  static constexpr std::chrono::milliseconds kCheckInterval{500};

 private:
  struct Slot {
    std::mutex training;                               // held while this name is trained
    std::shared_ptr<const TrainedKnowledge> current;   // guarded by KnowledgeCache::mutex_
    std::chrono::steady_clock::time_point checked_at;  // guarded by KnowledgeCache::mutex_
  };
  std::shared_ptr<Slot> slot(std::string_view kb);
  std::shared_ptr<const TrainedKnowledge> bring_up_to_date(std::string_view kb, Slot& slot);

  const KnowledgeStore& store_;
  std::mutex mutex_;
  std::map<std::string, std::shared_ptr<Slot>, std::less<>> slots_;  // guarded by mutex_
};

/// Up to `n` questions to show a newcomer: the most used ones first, then the first ones.
std::vector<std::string> suggested_questions(const TrainedKnowledge& knowledge,
                                             const std::vector<std::string>& most_used_ids, std::size_t n);

}  // namespace quintet::faq
