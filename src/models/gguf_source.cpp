#include "models/gguf_source.h"

#include "core/text.h"

namespace quintet {

GgufSource::GgufSource(GgufFile file)
    : file_(std::move(file)), has_own_scaling_(file_.find("quintet.rope.scaling.type") != nullptr) {}

std::string GgufSource::full_key(std::string_view key) const {
  if (has_own_scaling_ && key.starts_with("rope.scaling.")) return cat("quintet.", key);
  return cat(file_.architecture(), ".", key);
}

std::string GgufSource::name() const {
  if (const auto named = file_.text("general.name"); named && !named->empty()) return std::string(*named);
  return file_.paths().front().filename().string();
}

std::optional<std::int64_t> GgufSource::integer(std::string_view key) const {
  return file_.integer(full_key(key));
}
std::optional<double> GgufSource::number(std::string_view key) const {
  return file_.number(full_key(key));
}
std::optional<bool> GgufSource::boolean(std::string_view key) const {
  return file_.boolean(full_key(key));
}
std::optional<std::string> GgufSource::text(std::string_view key) const {
  const auto value = file_.text(full_key(key));
  return value ? std::optional<std::string>(*value) : std::nullopt;
}
std::optional<std::vector<std::int64_t>> GgufSource::integers(std::string_view key) const {
  return file_.integers(full_key(key));
}
std::optional<std::vector<float>> GgufSource::numbers(std::string_view key) const {
  return file_.numbers(full_key(key));
}
std::optional<Tensor> GgufSource::find_tensor(std::string_view name) const {
  if (file_.find_tensor(name) == nullptr) return std::nullopt;
  return file_.tensor(name);
}

}  // namespace quintet
