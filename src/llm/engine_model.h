#pragma once

#include <condition_variable>
#include <cstdint>
#include <exception>
#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <thread>

#include "core/error.h"
#include "inference/engine.h"
#include "llm/chat_model.h"

namespace quintet {

enum class EngineState : std::uint8_t {
  not_loaded,  // the next question loads it
  loading,
  loaded,
  unloading,  // takes no more questions; gone when the answers that are being written have ended
  failed      // to load; the next question tries again
};
std::string_view engine_state_name(EngineState state) noexcept;

/// How a model that runs here is doing.
struct EngineReport {
  EngineState state = EngineState::not_loaded;
  std::string problem;  // failed: why
  ErrorCode problem_code = ErrorCode::internal;
  EngineOptions options;  // it runs with these, or would
  std::size_t n_answers = 0;
  std::uint64_t n_generated = 0;  // tokens since the process started, whatever was unloaded since
  // Only while it is in memory:
  std::size_t memory_bytes = 0;
  std::size_t max_seq_len = 0;
  std::size_t n_threads = 0;
  std::string isa;
  EngineStatus status;
};

/// A model file that this process runs itself. The file is loaded by the first chat(), or before by
/// begin_load() or load(), on a thread of its own; a load that fails is tried again by the next. Any thread.
class EngineModel final : public ChatModel {
 public:
  /// Its id, which people pick, is "engine:<name>"; empty = the file's name without folders and ending.
  EngineModel(std::filesystem::path path, EngineOptions options, std::string name = {});
  /// Waits for a load under way. No engine that load() gave may be in use.
  ~EngineModel() override;

  ChatModelInfo info() const override;
  /// Throws as Engine does, Unavailable while the model is being unloaded, and Unsupported for what this
  /// provider does not do yet, by name: images, tools, structured output.
  ChatResponse chat(const ChatRequest& request, const ChatSink& sink, std::stop_token stop) override;

  /// Loads the model if it is not loaded, and waits. What is returned keeps it in memory, and must not
  /// outlive this. Throws as Engine's constructor, and Unavailable while it is being unloaded.
  std::shared_ptr<Engine> load();

  /// Begins to load it, with `options` when there are any, and does not wait; nothing happens when that is
  /// done or under way. Throws Conflict when it was loaded with other options, and Unavailable while it is
  /// being unloaded.
  void begin_load(const std::optional<EngineOptions>& options = std::nullopt);
  /// Takes it out of memory. Answers that are being written are finished first, new questions are refused
  /// until then; a load under way is given up as soon as it ends. Does not wait.
  void unload();

  EngineReport report() const;

 private:
  /// Null when `stop` was requested before the model was there.
  std::shared_ptr<Engine> lease(const std::stop_token& stop);
  void begin_load_locked(const std::optional<EngineOptions>& options);
  void read_file(const EngineOptions& options);
  void give_back() noexcept;
  void drop(std::unique_lock<std::mutex>& lock);

  const std::filesystem::path path_;
  const std::string name_;
  mutable std::mutex mutex_;
  std::condition_variable_any changed_;
  // All guarded by mutex_:
  EngineOptions options_;
  EngineState state_ = EngineState::not_loaded;
  std::unique_ptr<Engine> engine_;
  std::exception_ptr failure_;
  std::string problem_;
  ErrorCode problem_code_ = ErrorCode::internal;
  std::size_t n_leases_ = 0;
  std::uint64_t n_generated_before_ = 0;
  std::thread loader_;
};

/// The tokens that a model reads for a conversation: its chat template, with the marks of turns as special
/// tokens. Text of messages never becomes a special token, whatever it holds.
std::vector<TokenId> encode_conversation(const LoadedModel& loaded, const ChatRequest& request);

/// Parts a stream of text into what a model thinks ("<think>" to "</think>") and what it says, wherever it is
/// cut.
class ThoughtSplitter {
 public:
  /// `is_thinking`: the prompt ended with an open "<think>".
  explicit ThoughtSplitter(bool is_thinking) : is_thinking_(is_thinking) {}

  struct Pieces {
    std::string reasoning;
    std::string text;
  };
  Pieces push(std::string_view text);
  Pieces finish();

 private:
  void take(std::string_view text, Pieces& pieces);

  std::string held_;
  bool is_thinking_;
  bool has_said_ = false;  // something other than white space
};

}  // namespace quintet
