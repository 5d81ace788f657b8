#include "apps/faq/knowledge_cache.h"

#include <algorithm>

#include "core/error.h"
#include "llm/token_estimate.h"

namespace quintet::faq {

namespace {

std::shared_ptr<const TrainedKnowledge> train(KnowledgeStore::Snapshot snapshot) {
  auto trained = std::make_shared<TrainedKnowledge>();
  trained->kb = std::move(snapshot.kb);
  trained->entries = std::move(snapshot.entries);
  for (std::size_t i = 0; i < trained->entries.size(); ++i) {
    const FaqEntry& entry = trained->entries[i];
    trained->by_id.emplace(entry.id, i);
    trained->n_tokens += estimate_tokens(entry.question) + estimate_tokens(entry.answer);
  }
  trained->matcher = Matcher::train(trained->entries);
  return trained;
}

}  // namespace

const FaqEntry* TrainedKnowledge::find(std::string_view id) const {
  const auto found = by_id.find(std::string(id));
  return found == by_id.end() ? nullptr : &entries[found->second];
}

std::shared_ptr<KnowledgeCache::Slot> KnowledgeCache::slot(std::string_view kb) {
  const std::lock_guard lock(mutex_);
  const auto found = slots_.find(kb);
  if (found != slots_.end()) return found->second;
  return slots_.emplace(std::string(kb), std::make_shared<Slot>()).first->second;
}

std::shared_ptr<const TrainedKnowledge> KnowledgeCache::get(std::string_view kb) {
  const auto mine = slot(kb);
  {
    const std::lock_guard lock(mutex_);
    if (mine->current && std::chrono::steady_clock::now() - mine->checked_at < kCheckInterval)
      return mine->current;
  }
  return bring_up_to_date(kb, *mine);
}

void KnowledgeCache::refresh(std::string_view kb) {
  try {
    bring_up_to_date(kb, *slot(kb));
  } catch (const NotFound&) {
    // Deleted: the next get() says so.
  }
}

std::shared_ptr<const TrainedKnowledge> KnowledgeCache::bring_up_to_date(std::string_view kb, Slot& mine) {
  const std::lock_guard training(mine.training);
  std::shared_ptr<const TrainedKnowledge> current;
  {
    const std::lock_guard lock(mutex_);
    current = mine.current;
  }
  const auto stored = store_.find(kb);
  if (!stored) {
    const std::lock_guard lock(mutex_);
    slots_.erase(std::string(kb));
  } else if (current && current->kb.id == stored->id && current->kb.revision == stored->revision) {
    const std::lock_guard lock(mutex_);
    mine.checked_at = std::chrono::steady_clock::now();
    return current;
  }
  auto trained = train(store_.snapshot(kb));  // throws NotFound when it is gone
  const std::lock_guard lock(mutex_);
  mine.current = trained;
  mine.checked_at = std::chrono::steady_clock::now();
  return trained;
}

std::vector<std::string> suggested_questions(const TrainedKnowledge& knowledge,
                                             const std::vector<std::string>& most_used_ids, std::size_t n) {
  std::vector<std::string> questions;
  const auto add = [&](const FaqEntry& entry) {
    if (questions.size() < n &&
        std::find(questions.begin(), questions.end(), entry.question) == questions.end())
      questions.push_back(entry.question);
  };
  for (const auto& id : most_used_ids)
    if (const FaqEntry* entry = knowledge.find(id)) add(*entry);
  for (const auto& entry : knowledge.entries) add(entry);
  return questions;
}

}  // namespace quintet::faq
