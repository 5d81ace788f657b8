#include "net/part_note.h"

#include "core/error.h"
#include "core/files.h"
#include "core/json.h"

namespace quintet {

std::optional<PartNote> PartNote::read(const std::filesystem::path& path) {
  try {
    const Json value = parse_json(read_file(path, std::size_t{64} << 10), path.string());
    const JsonObject& object = require_object(value, path.string());
    PartNote note;
    note.url = get_string(object, "url").value_or("");
    note.validator = get_string(object, "validator").value_or("");
    note.sha256 = get_string(object, "sha256").value_or("");
    note.git_sha1 = get_string(object, "git_sha1").value_or("");
    if (const auto size = get_int(object, "size"); size && *size >= 0)
      note.size = static_cast<std::uint64_t>(*size);
    return note;
  } catch (const Error&) {
    return std::nullopt;  // then nothing is known of the part, and it is begun again
  }
}

void PartNote::write(const std::filesystem::path& path) const {
  JsonObject object{{"url", url}};
  if (!validator.empty()) object["validator"] = validator;
  if (!sha256.empty()) object["sha256"] = sha256;
  if (!git_sha1.empty()) object["git_sha1"] = git_sha1;
  if (size) object["size"] = *size;
  write_file_atomically(path, to_json(object));
}

}  // namespace quintet
