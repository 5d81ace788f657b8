#pragma once

#include <cstddef>
#include <exception>
#include <string>
#include <vector>

#include "llm/chat_model.h"

namespace quintet {

/// Collects the events of one answer into its message and passes each on to the sink. The parts of the
/// message keep the order in which the model began them. Used by one thread.
class ResponseBuilder {
 public:
  explicit ResponseBuilder(const ChatSink& sink) : sink_(sink) {}

  /// Empty deltas are dropped.
  void add_text(std::string_view text);
  void add_reasoning(std::string_view text);
  /// What follows is a new thought, not the rest of the one before.
  void begin_reasoning();
  /// The opaque proof that belongs to the thought; not shown.
  void add_reasoning_signature(std::string_view signature);
  /// An `index` not seen before begins a call.
  void add_tool_call(std::size_t index, std::string_view id, std::string_view name,
                     std::string_view arguments);

  /// Something reached the sink: from now on a failure is a value and nothing is retried.
  bool has_shown() const noexcept { return has_shown_; }
  bool has_tool_calls() const noexcept { return !tool_calls_.empty(); }
  /// What left chat() was thrown by the caller's own sink.
  bool sink_threw() const noexcept { return sink_threw_; }

  const Message& message() const noexcept { return message_; }
  Message take_message();

 private:
  void show(ChatEvent event);
  template <typename T>
  T& current();

  struct ToolCallPlace {
    std::size_t index;
    std::size_t part;  // in message_.parts
  };

  const ChatSink& sink_;
  Message message_{Role::assistant, {}};
  std::vector<ToolCallPlace> tool_calls_;
  bool has_shown_ = false;
  bool sink_threw_ = false;
};

}  // namespace quintet
