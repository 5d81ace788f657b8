#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "core/json.h"

namespace quintet {

enum class Role : std::uint8_t { system, user, assistant, tool };
std::string_view role_name(Role role) noexcept;

struct TextPart {
  std::string text;
};

/// An image as bytes (`data`, raw, with its media type) or as a URL the provider fetches; exactly one is set.
struct ImagePart {
  std::string media_type;
  std::string data;
  std::string url;
};

/// The model asks for a tool. `arguments` is the JSON text as the model wrote it; it may be malformed.
struct ToolCallPart {
  std::string id;
  std::string name;
  std::string arguments;
};

/// The answer to a tool call.
struct ToolResultPart {
  std::string call_id;
  std::string content;
  bool ok = true;
};

/// What the model thought before it answered, where a provider shows it. `signature` is opaque and is sent
/// back.
struct ReasoningPart {
  std::string text;
  std::string signature;
};

using Part = std::variant<TextPart, ImagePart, ToolCallPart, ToolResultPart, ReasoningPart>;

struct Message {
  Role role = Role::user;
  std::vector<Part> parts;

  static Message system(std::string text) { return {Role::system, {TextPart{std::move(text)}}}; }
  static Message user(std::string text) { return {Role::user, {TextPart{std::move(text)}}}; }
  static Message assistant(std::string text) { return {Role::assistant, {TextPart{std::move(text)}}}; }

  /// The text parts joined.
  std::string text() const;
  std::vector<ToolCallPart> tool_calls() const;
};

}  // namespace quintet
