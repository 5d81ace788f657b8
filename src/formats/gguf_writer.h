#pragma once

#include <cstdint>
#include <filesystem>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "formats/gguf.h"
#include "formats/output_file.h"

namespace quintet {

/// Writes a GGUF file of version 3: first all metadata and the list of tensors, then the tensors' bytes in
/// the order of the list, then finish(). The file appears in its place only then. Not synchronised.
///
///   GgufWriter writer("model.gguf");
///   writer.text("general.architecture", "llama");
///   writer.add_tensor("token_embd.weight", DType::f32, Shape{512, 64});
///   writer.write_tensor("token_embd.weight", bytes);
///   writer.finish();
///
/// Throws InvalidArgument for a name that stands twice or calls out of order, Exhausted for a full disk
/// (before the first tensor is written where the file system can tell), Unavailable for other failures.
class GgufWriter {
 public:
  /// `alignment`: a power of two from 8 up.
  explicit GgufWriter(const std::filesystem::path& path, std::size_t alignment = 32);

  void u8(std::string_view key, std::uint8_t value);
  void i8(std::string_view key, std::int8_t value);
  void u16(std::string_view key, std::uint16_t value);
  void i16(std::string_view key, std::int16_t value);
  void u32(std::string_view key, std::uint32_t value);
  void i32(std::string_view key, std::int32_t value);
  void u64(std::string_view key, std::uint64_t value);
  void i64(std::string_view key, std::int64_t value);
  void f32(std::string_view key, float value);
  void f64(std::string_view key, double value);
  void boolean(std::string_view key, bool value);
  void text(std::string_view key, std::string_view value);
  void u32s(std::string_view key, std::span<const std::uint32_t> values);
  void i32s(std::string_view key, std::span<const std::int32_t> values);
  void f32s(std::string_view key, std::span<const float> values);
  void f64s(std::string_view key, std::span<const double> values);
  /// An array of u8.
  void bytes(std::string_view key, std::string_view values);
  void booleans(std::string_view key, std::span<const bool> values);
  void texts(std::string_view key, std::span<const std::string> values);
  void texts(std::string_view key, std::span<const std::string_view> values);
  /// An entry of another file, whatever its type; `version` is that file's.
  void copy(const GgufEntry& entry, std::uint32_t version);

  void add_tensor(std::string_view name, DType dtype, const Shape& shape);
  /// The next bytes of the next tensor in the list, which must be called `name`: the whole of it, or pieces
  /// by several calls.
  void write_tensor(std::string_view name, std::span<const std::byte> bytes);
  void finish();

 private:
  struct Pending {
    std::string name;
    std::size_t n_bytes = 0;
  };

  void begin_entry(std::string_view key, GgufType type);
  void begin_data();

  OutputFile file_;
  std::size_t alignment_;
  std::string metadata_;
  std::string tensor_infos_;
  std::uint64_t n_entries_ = 0;
  std::vector<Pending> tensors_;
  std::set<std::string, std::less<>> keys_;
  std::set<std::string, std::less<>> names_;
  std::size_t data_bytes_ = 0;
  bool is_writing_ = false;
  std::size_t current_ = 0;  // index in tensors_ of the one being written
  std::size_t current_written_ = 0;
};

}  // namespace quintet
