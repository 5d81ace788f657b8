#pragma once

#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "inference/engine.h"
#include "llm/chat_model.h"

namespace quintet {

/// A model file that this process runs itself. The file is loaded by the first chat(), or by load(); a load
/// that fails is tried again by the next.
class EngineModel final : public ChatModel {
 public:
  /// `id` is what people pick: "engine:<file's stem>".
  EngineModel(std::filesystem::path path, EngineOptions options);
  ~EngineModel() override;

  ChatModelInfo info() const override;
  /// Throws as Engine does, and Unsupported for what this provider does not do yet, by name: images, tools,
  /// structured output.
  ChatResponse chat(const ChatRequest& request, const ChatSink& sink, std::stop_token stop) override;

  /// Loads the model if it is not loaded. Throws as Engine's constructor.
  std::shared_ptr<Engine> load();

 private:
  std::filesystem::path path_;
  EngineOptions options_;
  std::string name_;
  mutable std::mutex mutex_;
  std::shared_ptr<Engine> engine_;  // guarded by mutex_
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
