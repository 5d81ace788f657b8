#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "formats/tensor_info.h"
#include "tensor/tensor.h"

namespace quintet {

struct GgufArray;
/// A value of GGUF metadata. Whole numbers of every width become std::int64_t or, above its range,
/// std::uint64_t; both float widths become double. Strings and arrays are views into the mapped file, valid
/// while the GgufFile lives; they are bytes as stored, not always valid UTF-8.
using GgufValue = std::variant<bool, std::int64_t, std::uint64_t, double, std::string_view, GgufArray>;

/// Types of metadata values, by their number in the file.
enum class GgufType : std::uint32_t {
  u8 = 0,
  i8,
  u16,
  i16,
  u32,
  i32,
  f32,
  boolean,
  string,
  array,
  u64,
  i64,
  f64
};

/// An array in the file: `n` elements of one type; arrays of arrays are kept unread.
struct GgufArray {
  GgufType element_type = GgufType::u8;
  std::uint64_t n = 0;
  std::span<const std::byte> bytes;  // the elements as stored
};

struct GgufEntry {
  std::string_view key;
  GgufType type = GgufType::u8;
  GgufValue value;
};

/// A GGUF file of version 1, 2 or 3 (github.com/ggml-org/ggml/blob/master/docs/gguf.md), memory-mapped; of a
/// model split into files ("name-00001-of-00003.gguf") opening the first opens all. Immutable; const methods
/// may run concurrently.
class GgufFile {
 public:
  /// Throws NotFound, CorruptData (naming the place and what was expected) or Unsupported (a version, a byte
  /// order, a tensor type). After this all offsets and sizes are known to lie inside the files; memory used
  /// is bounded by the size of the files and by 2^18 tensors.
  /// Opening another part than the first of a split model is an InvalidArgument that names the first.
  static GgufFile open(const std::filesystem::path& path);

  std::uint32_t version() const noexcept { return version_; }
  std::size_t alignment() const noexcept { return alignment_; }
  const std::vector<std::filesystem::path>& paths() const noexcept { return paths_; }

  /// Metadata in the order of the file.
  std::span<const GgufEntry> metadata() const noexcept { return metadata_; }
  const GgufEntry* find(std::string_view key) const noexcept;

  /// Typed reads: nothing when the key is absent, CorruptData naming the key when it has another type. A
  /// whole number is accepted as a float, never the reverse.
  std::optional<std::string_view> text(std::string_view key) const;
  std::optional<std::int64_t> integer(std::string_view key) const;
  std::optional<double> number(std::string_view key) const;
  std::optional<bool> boolean(std::string_view key) const;
  std::optional<std::vector<std::string_view>> texts(std::string_view key) const;
  std::optional<std::vector<std::int64_t>> integers(std::string_view key) const;
  std::optional<std::vector<float>> numbers(std::string_view key) const;
  /// "general.architecture", or "" when it is absent.
  std::string_view architecture() const;

  std::span<const TensorInfo> tensors() const noexcept { return tensors_; }
  const TensorInfo* find_tensor(std::string_view name) const noexcept;
  /// A view into the mapped file. Throws NotFound naming the tensor.
  Tensor tensor(std::string_view name) const;
  /// Throws Unavailable when one of the files was changed since it was opened (Storage::require_unchanged).
  void require_unchanged() const;

 private:
  GgufFile() = default;
  friend class GgufReader;

  std::vector<std::filesystem::path> paths_;
  std::vector<std::shared_ptr<Storage>> storages_;
  std::uint32_t version_ = 0;
  std::size_t alignment_ = 32;
  std::vector<GgufEntry> metadata_;
  std::vector<TensorInfo> tensors_;
  NameIndex metadata_by_key_;
  NameIndex tensors_by_name_;
};

}  // namespace quintet
