#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/time.h"
#include "storage/database.h"

namespace quintet::faq {

/// A question somebody asked and what became of it.
struct AskedQuestion {
  std::string id;
  std::int64_t kb_id = 0;
  std::string text;
  TimestampMs asked_at = 0;
  bool refused = false;
  std::string answer;
  std::vector<std::string> entry_ids;  // used by the answer
  std::string message_id;              // "" = not part of a conversation
};

enum class Rating : std::uint8_t { up, down };
std::optional<Rating> parse_rating(std::string_view name) noexcept;
std::string_view rating_name(Rating rating) noexcept;

/// One question of the inbox; the same question asked again is counted, not repeated.
struct InboxQuestion {
  std::string id;  // of the latest time it was asked
  std::string text;
  TimestampMs asked_at = 0;
  std::string reason;  // "unanswered" | "rated_down"
  std::string answer;  // what was said, when it was rated down
  std::int64_t count = 1;
};

/// Questions that ask about the same thing, to be settled together.
struct InboxCluster {
  std::vector<InboxQuestion> questions;  // the most typical first
  std::int64_t n_asked() const noexcept;
  TimestampMs last_asked() const noexcept;
};

/// Groups questions whose words overlap: average-link greedy clustering on the cosine of IDF-weighted word
/// and character-trigram counts. Clusters come most-asked first. Cost O(n · clusters).
std::vector<InboxCluster> cluster_questions(std::vector<InboxQuestion> questions);

struct DayCount {
  std::string date;  // "2026-11-23", UTC
  std::int64_t n_answered = 0;
  std::int64_t n_refused = 0;
};
struct EntryUse {
  std::string entry_id;
  std::string question;
  std::int64_t n_uses = 0;
  std::int64_t n_up = 0;
  std::int64_t n_down = 0;
  std::optional<TimestampMs> last_used;
};
struct FaqStats {
  std::int64_t n_answered = 0;
  std::int64_t n_refused = 0;
  std::int64_t n_up = 0;
  std::int64_t n_down = 0;
  std::vector<DayCount> days;     // oldest first, only days with questions
  std::vector<EntryUse> entries;  // most used first, every entry of the knowledge base
};

/// What was asked, what was not answered, and how the answers were rated. Any thread.
class QuestionLog {
 public:
  explicit QuestionLog(Database& database) : database_(database) {}

  /// Inside a write of the caller's, so that a conversation's message and its log entry commit together.
  static void record(Connection& db, const AskedQuestion& asked);
  /// Without waiting, for questions whose asker holds the answer already.
  void record_later(AskedQuestion asked);

  /// `rating` nothing takes a rating back. Throws NotFound.
  void rate(std::string_view message_id, std::optional<Rating> rating, std::string_view comment);

  std::vector<InboxQuestion> open_questions(std::int64_t kb_id) const;
  /// Takes questions (and the same words asked at other times) out of the inbox.
  void dismiss(std::int64_t kb_id, std::span<const std::string> ids);
  void resolve(std::int64_t kb_id, std::span<const std::string> ids);
  /// The texts behind `ids`; throws NotFound for an id that is not in this knowledge base.
  std::vector<std::string> texts(std::int64_t kb_id, std::span<const std::string> ids) const;

  FaqStats stats(std::int64_t kb_id, int n_days) const;
  /// How often each entry was used, by id.
  std::vector<EntryUse> entry_uses(std::int64_t kb_id) const;

 private:
  void settle(std::int64_t kb_id, std::span<const std::string> ids, std::string_view state);

  Database& database_;
};

}  // namespace quintet::faq
