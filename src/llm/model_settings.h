#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "storage/migrations.h"

namespace quintet {

class Database;

/// How a model is to be loaded, where a person said so; 0 = not said.
struct EngineChoice {
  std::size_t context = 0;   // positions of each answer
  std::size_t threads = 0;   // to compute with
  std::size_t parallel = 0;  // answers written together
};

/// What people chose for models while the program ran, kept in the database. Any thread; the database
/// outlives it. Writes throw as Database::write.
class ModelSettings {
 public:
  /// Steps for the component "models"; pass them to Database.
  static std::span<const Migration> migrations() noexcept;

  explicit ModelSettings(Database& database) : database_(database) {}

  /// Id of the model that answers by default; "" = nobody chose one.
  std::string default_model() const;
  void set_default_model(std::string_view id);

  /// How the local model of this name was loaded last.
  std::optional<EngineChoice> engine_choice(std::string_view name) const;
  void set_engine_choice(std::string_view name, const EngineChoice& choice);
  /// Forgets what was chosen for a model that is gone, and that it was the default.
  void forget(std::string_view name, std::string_view id);

 private:
  Database& database_;
};

}  // namespace quintet
