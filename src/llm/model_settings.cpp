#include "llm/model_settings.h"

#include "storage/database.h"

namespace quintet {

namespace {

constexpr Migration kMigrations[] = {{"models", 1, R"(
-- At most one row: the model that answers when none is named.
CREATE TABLE default_model(
  id    INTEGER PRIMARY KEY CHECK(id = 1),
  model TEXT NOT NULL);

-- How a local model was loaded last; 0 = as configured.
CREATE TABLE engine_choices(
  model    TEXT PRIMARY KEY,
  context  INTEGER NOT NULL,
  threads  INTEGER NOT NULL,
  parallel INTEGER NOT NULL) WITHOUT ROWID;
)"}};

}  // namespace

std::span<const Migration> ModelSettings::migrations() noexcept {
  return kMigrations;
}

std::string ModelSettings::default_model() const {
  std::string id;
  database_.read([&](Connection& db) {
    Statement saved = db.prepare("SELECT model FROM default_model");
    if (saved.step()) id = saved.text(0);
  });
  return id;
}

void ModelSettings::set_default_model(std::string_view id) {
  database_.write([id](Connection& db) {
    db.execute("INSERT OR REPLACE INTO default_model(id, model) VALUES (1, ?)", id);
  });
}

std::optional<EngineChoice> ModelSettings::engine_choice(std::string_view name) const {
  std::optional<EngineChoice> choice;
  database_.read([&](Connection& db) {
    Statement saved = db.prepare("SELECT context, threads, parallel FROM engine_choices WHERE model = ?");
    saved.bind(name);
    if (!saved.step()) return;
    const auto count = [&saved](int column) { return static_cast<std::size_t>(saved.integer(column)); };
    choice = EngineChoice{count(0), count(1), count(2)};
  });
  return choice;
}

void ModelSettings::set_engine_choice(std::string_view name, const EngineChoice& choice) {
  database_.write([&](Connection& db) {
    db.execute("INSERT OR REPLACE INTO engine_choices(model, context, threads, parallel) VALUES (?, ?, ?, ?)",
               name, choice.context, choice.threads, choice.parallel);
  });
}

void ModelSettings::forget(std::string_view name, std::string_view id) {
  database_.write([&](Connection& db) {
    db.execute("DELETE FROM engine_choices WHERE model = ?", name);
    db.execute("DELETE FROM default_model WHERE model = ?", id);
  });
}

}  // namespace quintet
