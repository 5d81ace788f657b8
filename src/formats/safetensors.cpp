#include "formats/safetensors.h"

#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstring>
#include <limits>
#include <set>

#include "core/error.h"
#include "core/files.h"
#include "core/json.h"
#include "core/text.h"
#include "formats/output_file.h"

namespace quintet {

static_assert(std::endian::native == std::endian::little,
              "safetensors numbers are read as they lie in the file");

namespace {

constexpr std::size_t kMaxHeaderBytes = std::size_t{32} << 20;
constexpr std::size_t kMaxTensors = std::size_t{1} << 18;
constexpr std::size_t kMaxFiles = 10'000;

struct TypeRow {
  std::string_view name;
  DType type;
};

// The first of a DType is the one that is written.
constexpr TypeRow kTypes[] = {{"F64", DType::f64},   {"F32", DType::f32}, {"F16", DType::f16},
                              {"BF16", DType::bf16}, {"I64", DType::i64}, {"I32", DType::i32},
                              {"I16", DType::i16},   {"I8", DType::i8},   {"U8", DType::i8},
                              {"BOOL", DType::i8}};

std::string supported_types() {
  std::string names;
  for (const TypeRow& row : kTypes) names += cat(names.empty() ? "" : ", ", row.name);
  return names;
}

/// Reads the description of one tensor in a header; every complaint names the file and the tensor.
class Description {
 public:
  Description(const std::string& file, std::string_view name, const Json& value, std::size_t n_data_bytes)
      : file_(file), name_(name), n_data_bytes_(n_data_bytes) {
    const auto* object = value.if_object();
    if (object == nullptr) corrupt("is described by something that is no object");
    object_ = object;
  }

  [[noreturn]] void corrupt(const std::string& problem) const {
    throw CorruptData(cat(file_, ": tensor ", shown_name(name_), " ", problem));
  }

  DType type() const {
    const auto* value = object_->if_contains("dtype");
    const auto* text = value == nullptr ? nullptr : value->if_string();
    if (text == nullptr) corrupt("has no \"dtype\" that is a string");
    const std::string_view name(text->data(), text->size());
    for (const TypeRow& row : kTypes)
      if (row.name == name) return row.type;
    throw Unsupported(cat(file_, ": tensor ", shown_name(name_), " is of the type ", shown_name(name),
                          "; supported are ", supported_types()));
  }

  Shape shape() const {
    const std::vector<std::size_t> extents = numbers("shape");
    try {
      return Shape(extents);
    } catch (const InvalidArgument& error) {
      corrupt(cat("has an impossible shape: ", error.what()));
    }
  }

  /// Begin and end within the data.
  std::pair<std::size_t, std::size_t> range() const {
    const std::vector<std::size_t> offsets = numbers("data_offsets");
    if (offsets.size() != 2) corrupt(cat("has ", offsets.size(), " data offsets; expected 2"));
    if (offsets[0] > offsets[1]) corrupt(cat("ends at ", offsets[1], ", before it begins at ", offsets[0]));
    if (offsets[1] > n_data_bytes_) {
      corrupt(cat("ends at byte ", offsets[1], " of the data, but the file holds ", n_data_bytes_,
                  " bytes of data (truncated?)"));
    }
    return {offsets[0], offsets[1]};
  }

 private:
  std::vector<std::size_t> numbers(std::string_view key) const {
    const auto* value = object_->if_contains(key);
    const auto* array = value == nullptr ? nullptr : value->if_array();
    if (array == nullptr) corrupt(cat("has no \"", key, "\" that is an array"));
    if (array->size() > 64) corrupt(cat("has ", array->size(), " numbers in \"", key, "\""));
    std::vector<std::size_t> result;
    for (const Json& item : *array) {
      if (item.is_int64() && item.get_int64() >= 0)
        result.push_back(static_cast<std::size_t>(item.get_int64()));
      else if (item.is_uint64())
        result.push_back(item.get_uint64());
      else
        corrupt(cat("has something else than whole numbers in \"", key, "\""));
    }
    return result;
  }

  const std::string& file_;
  std::string_view name_;
  std::size_t n_data_bytes_;
  const JsonObject* object_ = nullptr;
};

Json parse_header(std::string_view text, const std::string& file) {
  try {
    return parse_json(text, "the header");
  } catch (const InvalidArgument& error) {
    throw CorruptData(cat(file, ": ", error.what()));
  }
}

std::size_t size_of(const Description& description, DType type, const Shape& shape) {
  const std::size_t element = dtype_info(type).block_bytes;
  if (shape.n_elements() > std::numeric_limits<std::size_t>::max() / element)
    description.corrupt(cat("has a shape ", shape.to_string(), " larger than any file"));
  return shape.n_elements() * element;
}

std::string_view type_name(DType type) {
  for (const TypeRow& row : kTypes)
    if (row.type == type) return row.name;
  throw InvalidArgument(cat("safetensors files hold no ", dtype_name(type), " tensors"));
}

}  // namespace

SafetensorsFile SafetensorsFile::open(const std::filesystem::path& path) {
  SafetensorsFile result;
  if (path.string().ends_with(".index.json"))
    result.read_index(path);
  else
    result.read(path);
  result.index_tensors();
  return result;
}

void SafetensorsFile::read(const std::filesystem::path& path) {
  std::shared_ptr<Storage> storage = map_file(path);
  read_unchanged(*storage, [&] {
    read_mapped(path, *storage);
    return true;
  });
  paths_.push_back(path);
  storages_.push_back(std::move(storage));
}

void SafetensorsFile::read_mapped(const std::filesystem::path& path, const Storage& storage) {
  const std::string file = path.string();
  const std::span<const std::byte> bytes = storage.bytes();
  std::uint64_t header_bytes = 0;
  if (bytes.size() < sizeof header_bytes)
    throw CorruptData(cat(file, ": ", bytes.size(), " bytes are too few for a safetensors file"));
  std::memcpy(&header_bytes, bytes.data(), sizeof header_bytes);
  const std::size_t room = bytes.size() - sizeof header_bytes;
  if (header_bytes > kMaxHeaderBytes) {
    throw CorruptData(cat(file, ": not a safetensors file, or a damaged one: its header would have ",
                          header_bytes, " bytes; at most ", kMaxHeaderBytes, " are read"));
  }
  if (header_bytes > room) {
    throw CorruptData(
        cat(file, ": the header has ", header_bytes, " bytes, but ", room, " are there (truncated?)"));
  }
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()) + sizeof header_bytes,
                              static_cast<std::size_t>(header_bytes));
  if (!text.starts_with('{'))
    throw CorruptData(cat(file, ": not a safetensors file: its header doesn't start with \"{\""));
  const Json header = parse_header(text, file);
  const std::size_t data_begin = sizeof header_bytes + text.size();
  const std::size_t n_data_bytes = bytes.size() - data_begin;
  if (!header.is_object()) throw CorruptData(cat(file, ": the header is no object"));
  if (header.get_object().size() > kMaxTensors)
    throw CorruptData(cat(file, ": the header names more than ", kMaxTensors, " tensors"));

  const std::size_t first = tensors_.size();
  for (const auto& [key, value] : header.get_object()) {
    const std::string_view name(key.data(), key.size());
    if (name == "__metadata__") {
      const auto* object = value.if_object();
      if (object == nullptr) throw CorruptData(cat(file, ": __metadata__ is no object"));
      for (const auto& [meta_key, meta_value] : *object) {
        if (!meta_value.is_string())
          throw CorruptData(cat(file, ": __metadata__ ", shown_name(meta_key), " is no string"));
        metadata_.insert_or_assign(std::string(meta_key), std::string(meta_value.get_string()));
      }
      continue;
    }
    const Description description(file, name, value, n_data_bytes);
    TensorInfo info{std::string(name), description.shape(), description.type(), 0, paths_.size()};
    const auto [begin, end] = description.range();
    const std::size_t size = size_of(description, info.dtype, info.shape);
    if (end - begin != size) {
      description.corrupt(cat(info.shape.to_string(), " of ", dtype_name(info.dtype), " takes ", size,
                              " bytes, but its offsets hold ", end - begin));
    }
    info.offset = data_begin + begin;
    tensors_.push_back(std::move(info));
  }

  // The format allows neither overlaps nor holes.
  std::vector<const TensorInfo*> order;
  for (std::size_t i = first; i < tensors_.size(); ++i) order.push_back(&tensors_[i]);
  std::ranges::sort(order, [](const TensorInfo* a, const TensorInfo* b) {
    return std::pair(a->offset, a->shape.n_elements()) < std::pair(b->offset, b->shape.n_elements());
  });
  std::size_t expected = data_begin;
  for (const TensorInfo* info : order) {
    if (info->offset != expected) {
      throw CorruptData(cat(
          file, ": tensor ", shown_name(info->name), " starts at byte ", info->offset,
          info->offset < expected ? " within the one before, which ends at " : "; the one before ends at ",
          expected));
    }
    expected += info->shape.n_elements() * dtype_info(info->dtype).block_bytes;
  }
  if (expected != bytes.size()) {
    throw CorruptData(
        cat(file, ": the tensors end at byte ", expected, ", but the file has ", bytes.size(), " bytes"));
  }
}

void SafetensorsFile::require_unchanged() const {
  for (const auto& storage : storages_) storage->require_unchanged();
}

void SafetensorsFile::read_index(const std::filesystem::path& path) {
  const std::string file = path.string();
  const std::string text = read_file(path, kMaxHeaderBytes);
  const Json index = parse_header(text, file);
  const auto* map = index.is_object() ? index.get_object().if_contains("weight_map") : nullptr;
  if (map == nullptr || !map->is_object())
    throw CorruptData(cat(file, ": the index has no \"weight_map\" that is an object"));
  std::set<std::string> files;
  for (const auto& [name, value] : map->get_object()) {
    if (!value.is_string())
      throw CorruptData(cat(file, ": the file of tensor ", shown_name(name), " is no string"));
    const std::string part(value.get_string());
    // Only beside the index: a name from the net must not reach other folders.
    if (part.empty() || part.find('/') != std::string::npos || part.find('\\') != std::string::npos ||
        part.find('\0') != std::string::npos || part == "." || part == "..")
      throw CorruptData(
          cat(file, ": tensor ", shown_name(name), " is in ", shown_name(part), ", which is no file name"));
    files.insert(part);
    if (files.size() > kMaxFiles)
      throw CorruptData(cat(file, ": the index names more than ", kMaxFiles, " files"));
  }
  std::map<std::string, std::size_t, std::less<>> number_of_file;
  for (const std::string& part : files) {
    number_of_file.emplace(part, paths_.size());
    read(path.parent_path() / part);
    if (tensors_.size() > kMaxTensors)
      throw CorruptData(cat(file, ": the files have more than ", kMaxTensors, " tensors together"));
  }
  index_tensors();
  for (const auto& [name, value] : map->get_object()) {
    const TensorInfo* info = find_tensor(std::string_view(name));
    const std::string_view part(value.get_string());
    if (info == nullptr || info->file != number_of_file.find(part)->second)
      throw CorruptData(cat(file, ": tensor ", shown_name(name), " is not in ", part, " as the index says"));
  }
}

void SafetensorsFile::index_tensors() {
  const auto name = [&](std::uint32_t i) { return std::string_view(tensors_[i].name); };
  tensors_by_name_ = NameIndex(tensors_.size(), name);
  if (const auto twin = tensors_by_name_.find_twin(name)) {
    throw CorruptData(cat(paths_[tensors_[*twin].file].string(), ": the tensor ", shown_name(name(*twin)),
                          " stands in two files"));
  }
}

const TensorInfo* SafetensorsFile::find_exactly(std::string_view name) const noexcept {
  const auto at =
      tensors_by_name_.find(name, [&](std::uint32_t i) { return std::string_view(tensors_[i].name); });
  return at ? &tensors_[*at] : nullptr;
}

const TensorInfo* SafetensorsFile::find_tensor(std::string_view name) const noexcept {
  if (const TensorInfo* info = find_exactly(name)) return info;
  const auto alias = metadata_.find(name);
  return alias == metadata_.end() ? nullptr : find_exactly(alias->second);
}

Tensor SafetensorsFile::tensor(std::string_view name) const {
  const TensorInfo* info = find_tensor(name);
  if (info == nullptr)
    throw NotFound(cat(paths_.front().string(), ": there is no tensor ", shown_name(name)));
  const std::shared_ptr<Storage>& storage = storages_[info->file];
  if (info->offset % dtype_info(info->dtype).block_bytes == 0)
    return Tensor(storage, info->offset, info->dtype, info->shape);
  Tensor copy = Tensor::zeros(info->dtype, info->shape);
  std::ranges::copy(storage->bytes().subspan(info->offset, copy.size_bytes()), copy.mutable_bytes().begin());
  return copy;
}

void write_safetensors(const std::filesystem::path& path, std::span<const NamedTensor> tensors,
                       const SafetensorsMetadata& metadata) {
  JsonObject header;
  if (!metadata.empty()) {
    JsonObject object;
    for (const auto& [key, value] : metadata) object[key] = value;
    header["__metadata__"] = std::move(object);
  }
  std::size_t end = 0;
  for (const auto& [name, tensor] : tensors) {
    if (name == "__metadata__" || header.contains(name))
      throw InvalidArgument(
          cat("can't write ", path.string(), ": the tensor name ", shown_name(name), " is taken"));
    JsonArray extents;
    for (const std::size_t extent : tensor.shape().extents()) extents.emplace_back(std::uint64_t{extent});
    const std::size_t begin = end;
    end += tensor.size_bytes();
    header[name] = JsonObject{{"dtype", type_name(tensor.dtype())},
                              {"shape", std::move(extents)},
                              {"data_offsets", JsonArray{std::uint64_t{begin}, std::uint64_t{end}}}};
  }
  std::string text = to_json(header);
  text.append((8 - text.size() % 8) % 8, ' ');  // tensors then start aligned
  const std::uint64_t header_bytes = text.size();
  OutputFile file(path);
  file.reserve(sizeof header_bytes + text.size() + end);
  file.write(std::as_bytes(std::span(&header_bytes, 1)));
  file.write(std::as_bytes(std::span(text.data(), text.size())));
  for (const NamedTensor& tensor : tensors) file.write(tensor.tensor.bytes());
  file.commit();
}

}  // namespace quintet
