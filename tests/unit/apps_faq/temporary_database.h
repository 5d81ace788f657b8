#pragma once

#include <filesystem>
#include <vector>

#include "apps/chat/schema.h"
#include "apps/faq/entry.h"
#include "apps/faq/schema.h"
#include "core/ids.h"
#include "core/log.h"
#include "storage/database.h"

namespace quintet::faq {

/// A database of its own in a folder that goes away with it.
class TemporaryDatabase {
 public:
  TemporaryDatabase() : folder_(std::filesystem::temp_directory_path() / new_id("quintet-test-")) {
    std::filesystem::create_directories(folder_);
    Database::Options options;
    options.path = folder_ / "test.db";
    database_ = std::make_unique<Database>(options, all_migrations(), null_log());
  }
  ~TemporaryDatabase() {
    database_.reset();
    std::filesystem::remove_all(folder_);
  }
  TemporaryDatabase(const TemporaryDatabase&) = delete;
  TemporaryDatabase& operator=(const TemporaryDatabase&) = delete;

  Database& operator*() noexcept { return *database_; }
  Database* operator->() noexcept { return database_.get(); }

 private:
  static std::vector<Migration> all_migrations() {
    std::vector<Migration> all(migrations().begin(), migrations().end());
    all.insert(all.end(), conversation_migrations().begin(), conversation_migrations().end());
    return all;
  }

  std::filesystem::path folder_;
  std::unique_ptr<Database> database_;
};

inline FaqEntry make_entry(std::string question, std::string answer,
                           std::vector<std::string> alternatives = {}) {
  FaqEntry entry;
  entry.question = std::move(question);
  entry.answer = std::move(answer);
  entry.alternatives = std::move(alternatives);
  return entry;
}

}  // namespace quintet::faq
