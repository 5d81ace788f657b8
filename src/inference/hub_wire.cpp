#include "inference/hub_wire.h"

#include <algorithm>

#include "core/error.h"
#include "core/json.h"
#include "core/text.h"
#include "inference/model_names.h"

namespace quintet {

namespace {

constexpr std::string_view kScheme = "hf:";
constexpr std::size_t kMaxName = 96;       // the hub's own limit for owners and repositories
constexpr std::size_t kMaxRevision = 255;  // git's names are files

bool is_hub_name(std::string_view name) noexcept {
  if (name.empty() || name.size() > kMaxName || name.starts_with('.')) return false;
  return std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == '.';
  });
}

bool is_revision(std::string_view name) noexcept {
  return name.size() <= kMaxRevision && is_safe_relative_path(name) &&
         name.find_first_of(" ?#*[~^:@") == std::string_view::npos;
}

bool is_hex(std::string_view text, std::size_t size) noexcept {
  return text.size() == size && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

std::uint64_t require_size(const JsonObject& object, std::string_view path) {
  const auto size = get_int(object, "size");
  if (!size || *size < 0) throw CorruptData(cat("hub: the list of files gives no size for ", path));
  return static_cast<std::uint64_t>(*size);
}

}  // namespace

std::string HubSource::text() const {
  // What follows the last "@" is read as the revision, so a file with one in its name needs it said.
  const bool is_plain = revision == "main" && file.find('@') == std::string::npos;
  return cat(kScheme, id(), file.empty() ? "" : ":", file, is_plain ? "" : "@", is_plain ? "" : revision);
}

HubSource parse_hub_source(std::string_view text) {
  const auto refuse = [&](std::string_view why) {
    throw InvalidArgument(cat("a model on the hub is written hf:owner/repo[:file][@revision], not \"",
                              sanitize_utf8(text.substr(0, 300)), "\" (", why, ")"));
  };
  auto rest = trim(text);
  if (!starts_with_ignoring_case(rest, kScheme)) refuse("it does not begin with hf:");
  rest.remove_prefix(kScheme.size());
  HubSource source;
  if (const auto at = rest.rfind('@'); at != std::string_view::npos) {
    source.revision = rest.substr(at + 1);
    if (!is_revision(source.revision)) refuse("the revision is not the name of a branch, tag or commit");
    rest = rest.substr(0, at);
  }
  if (const auto colon = rest.find(':'); colon != std::string_view::npos) {
    source.file = rest.substr(colon + 1);
    if (!is_safe_relative_path(source.file)) refuse("the file is not a path in a repository");
    rest = rest.substr(0, colon);
  }
  const auto slash = rest.find('/');
  if (slash == std::string_view::npos) refuse("the owner is missing");
  source.owner = rest.substr(0, slash);
  source.repo = rest.substr(slash + 1);
  if (!is_hub_name(source.owner)) refuse("the owner is not a name");
  if (!is_hub_name(source.repo)) refuse("the repository is not a name; a file follows a colon");
  return source;
}

std::optional<HubSource> hub_source_of_url(std::string_view url, std::string_view endpoint) {
  while (endpoint.ends_with('/')) endpoint.remove_suffix(1);
  if (endpoint.empty() || !url.starts_with(endpoint)) return std::nullopt;
  url.remove_prefix(endpoint.size());
  if (!url.starts_with('/')) return std::nullopt;
  url = url.substr(1, url.find_first_of("?#") - 1);
  while (url.ends_with('/')) url.remove_suffix(1);
  const auto parts = split(url, '/');
  if (parts.size() < 2 || !is_hub_name(parts[0]) || !is_hub_name(parts[1])) return std::nullopt;
  HubSource source;
  source.owner = parts[0];
  source.repo = parts[1];
  if (parts.size() == 2) return source;
  if (parts[2] != "resolve" && parts[2] != "blob" && parts[2] != "tree") return std::nullopt;
  if (parts.size() > 3) source.revision = percent_decode(parts[3]).value_or("");
  if (parts.size() > 4) {
    const auto at = static_cast<std::size_t>(parts[4].data() - url.data());
    source.file = percent_decode(url.substr(at)).value_or("");
    if (!is_safe_relative_path(source.file)) return std::nullopt;
  }
  if (!is_revision(source.revision)) return std::nullopt;
  return source;
}

std::vector<HubFile> parse_hub_tree(std::string_view body) {
  try {
    const Json page = parse_json(body, "the hub's list of files");
    const JsonArray* rows = page.if_array();
    if (rows == nullptr) throw CorruptData("hub: the list of files is not an array");
    std::vector<HubFile> files;
    for (const Json& row : *rows) {
      const JsonObject& object = require_object(row, "a row of the hub's list of files");
      if (require_string(object, "type") != "file") continue;
      HubFile file;
      file.path = require_string(object, "path");
      if (!is_safe_relative_path(file.path)) continue;
      file.size = require_size(object, file.path);
      if (const JsonObject* large = get_object(object, "lfs"); large != nullptr) {
        file.sha256 = ascii_lower(require_string(*large, "oid"));
        if (!is_hex(file.sha256, 64)) throw CorruptData(cat("hub: ", file.path, " has no SHA-256"));
        file.size = require_size(*large, file.path);
      } else if (const auto id = get_string(object, "oid"); id && is_hex(*id, 40)) {
        file.git_sha1 = *id;
      }
      files.push_back(std::move(file));
    }
    return files;
  } catch (const InvalidArgument& error) {
    throw CorruptData(cat("hub: the answer is not a list of files: ", error.what()));
  }
}

std::optional<std::string> next_page_link(std::string_view header) {
  // link-value = "<" target ">" *( ";" parameter ); values are separated by commas.
  while (true) {
    const auto open = header.find('<');
    if (open == std::string_view::npos) return std::nullopt;
    const auto close = header.find('>', open);
    if (close == std::string_view::npos) return std::nullopt;
    const auto target = header.substr(open + 1, close - open - 1);
    header.remove_prefix(close + 1);
    // The parameters end at a comma outside of quotes.
    std::vector<std::string> parameters(1);
    bool is_quoted = false;
    std::size_t end = 0;
    for (; end < header.size(); ++end) {
      const char c = header[end];
      if (c == '"') {
        is_quoted = !is_quoted;
      } else if (is_quoted && c == '\\' && end + 1 < header.size()) {
        parameters.back() += header[++end];
      } else if (!is_quoted && c == ',') {
        break;
      } else if (!is_quoted && c == ';') {
        parameters.emplace_back();
      } else {
        parameters.back() += c;
      }
    }
    header.remove_prefix(end);
    for (const std::string& parameter : parameters) {
      const auto equals = parameter.find('=');
      if (equals == std::string::npos || !iequals_ascii(trim(parameter.substr(0, equals)), "rel")) continue;
      const std::string relations = parameter.substr(equals + 1);
      for (const auto relation : split(relations, ' ')) {
        if (iequals_ascii(trim(relation), "next")) return std::string(target);
      }
      break;  // only the first rel counts
    }
  }
}

std::string encode_path(std::string_view path) {
  return replace_all(replace_all(percent_encode(path), "%2F", "/"), "%5F", "_");
}

}  // namespace quintet
