#include "formats/gguf_writer.h"

#include <algorithm>
#include <bit>
#include <limits>

#include "core/error.h"
#include "core/text.h"
#include "formats/gguf_types.h"

namespace quintet {

namespace {

constexpr std::uint32_t kVersion = 3;
constexpr std::size_t kDefaultAlignment = 32;

template <typename T>
void put(std::string& out, T value) {
  out.append(reinterpret_cast<const char*>(&value), sizeof value);
}

void put_text(std::string& out, std::string_view text) {
  put(out, std::uint64_t{text.size()});
  out += text;
}

template <typename T>
void put_array(std::string& out, GgufType type, std::span<const T> values) {
  put(out, static_cast<std::uint32_t>(type));
  put(out, std::uint64_t{values.size()});
  out.append(reinterpret_cast<const char*>(values.data()), values.size_bytes());
}

/// Strings of version 1 have lengths of 32 bits.
void put_texts_of_version_1(std::string& out, const GgufArray& array) {
  const auto* at = array.bytes.data();
  for (std::uint64_t i = 0; i < array.n; ++i) {
    std::uint32_t n = 0;
    std::copy_n(at, sizeof n, reinterpret_cast<std::byte*>(&n));
    put_text(out, {reinterpret_cast<const char*>(at + sizeof n), n});
    at += sizeof n + n;
  }
}

std::span<const std::byte> as_bytes(const std::string& text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

std::size_t tensor_bytes(std::string_view name, DType dtype, const Shape& shape) {
  const std::size_t row = row_bytes(dtype, shape.back());
  if (row != 0 && shape.n_rows() > std::numeric_limits<std::size_t>::max() / 2 / row)
    throw InvalidArgument(cat("the tensor ", name, " ", shape.to_string(), " is larger than any file"));
  return shape.n_rows() * row;
}

}  // namespace

GgufWriter::GgufWriter(const std::filesystem::path& path, std::size_t alignment)
    : file_(path), alignment_(alignment) {
  if (alignment < 8 || !std::has_single_bit(alignment) || alignment > (1u << 20))
    throw InvalidArgument(cat("GGUF alignment ", alignment, " is no power of two from 8 to 1048576"));
  if (alignment != kDefaultAlignment) u32("general.alignment", static_cast<std::uint32_t>(alignment));
}

void GgufWriter::begin_entry(std::string_view key, GgufType type) {
  if (is_writing_) throw InvalidArgument(cat("the metadata ", key, " comes after the first tensor's bytes"));
  if (key.empty() || key.size() > 65'535) throw InvalidArgument("a metadata key has 1 to 65535 bytes");
  if (!keys_.emplace(key).second) throw InvalidArgument(cat("the metadata ", key, " is given twice"));
  ++n_entries_;
  put_text(metadata_, key);
  put(metadata_, static_cast<std::uint32_t>(type));
}

void GgufWriter::u8(std::string_view key, std::uint8_t value) {
  begin_entry(key, GgufType::u8);
  put(metadata_, value);
}
void GgufWriter::i8(std::string_view key, std::int8_t value) {
  begin_entry(key, GgufType::i8);
  put(metadata_, value);
}
void GgufWriter::u16(std::string_view key, std::uint16_t value) {
  begin_entry(key, GgufType::u16);
  put(metadata_, value);
}
void GgufWriter::i16(std::string_view key, std::int16_t value) {
  begin_entry(key, GgufType::i16);
  put(metadata_, value);
}
void GgufWriter::u32(std::string_view key, std::uint32_t value) {
  begin_entry(key, GgufType::u32);
  put(metadata_, value);
}
void GgufWriter::i32(std::string_view key, std::int32_t value) {
  begin_entry(key, GgufType::i32);
  put(metadata_, value);
}
void GgufWriter::u64(std::string_view key, std::uint64_t value) {
  begin_entry(key, GgufType::u64);
  put(metadata_, value);
}
void GgufWriter::i64(std::string_view key, std::int64_t value) {
  begin_entry(key, GgufType::i64);
  put(metadata_, value);
}
void GgufWriter::f32(std::string_view key, float value) {
  begin_entry(key, GgufType::f32);
  put(metadata_, value);
}
void GgufWriter::f64(std::string_view key, double value) {
  begin_entry(key, GgufType::f64);
  put(metadata_, value);
}
void GgufWriter::boolean(std::string_view key, bool value) {
  begin_entry(key, GgufType::boolean);
  put(metadata_, static_cast<std::uint8_t>(value));
}
void GgufWriter::text(std::string_view key, std::string_view value) {
  begin_entry(key, GgufType::string);
  put_text(metadata_, value);
}
void GgufWriter::u32s(std::string_view key, std::span<const std::uint32_t> values) {
  begin_entry(key, GgufType::array);
  put_array(metadata_, GgufType::u32, values);
}
void GgufWriter::i32s(std::string_view key, std::span<const std::int32_t> values) {
  begin_entry(key, GgufType::array);
  put_array(metadata_, GgufType::i32, values);
}
void GgufWriter::f32s(std::string_view key, std::span<const float> values) {
  begin_entry(key, GgufType::array);
  put_array(metadata_, GgufType::f32, values);
}
void GgufWriter::f64s(std::string_view key, std::span<const double> values) {
  begin_entry(key, GgufType::array);
  put_array(metadata_, GgufType::f64, values);
}
void GgufWriter::bytes(std::string_view key, std::string_view values) {
  begin_entry(key, GgufType::array);
  put_array(metadata_, GgufType::u8, std::span(values.data(), values.size()));
}
void GgufWriter::booleans(std::string_view key, std::span<const bool> values) {
  static_assert(sizeof(bool) == 1);
  begin_entry(key, GgufType::array);
  put_array(metadata_, GgufType::boolean, values);
}
void GgufWriter::texts(std::string_view key, std::span<const std::string> values) {
  const std::vector<std::string_view> views(values.begin(), values.end());
  texts(key, views);
}
void GgufWriter::texts(std::string_view key, std::span<const std::string_view> values) {
  begin_entry(key, GgufType::array);
  put(metadata_, static_cast<std::uint32_t>(GgufType::string));
  put(metadata_, std::uint64_t{values.size()});
  for (const std::string_view value : values) put_text(metadata_, value);
}

void GgufWriter::copy(const GgufEntry& entry, std::uint32_t version) {
  if (const auto* array = std::get_if<GgufArray>(&entry.value)) {
    if (array->element_type == GgufType::array && version == 1)
      throw Unsupported(cat("the metadata ", entry.key, ": arrays of arrays of GGUF version 1"));
    begin_entry(entry.key, GgufType::array);
    put(metadata_, static_cast<std::uint32_t>(array->element_type));
    put(metadata_, array->n);
    if (array->element_type == GgufType::string && version == 1)
      put_texts_of_version_1(metadata_, *array);
    else
      metadata_.append(reinterpret_cast<const char*>(array->bytes.data()), array->bytes.size());
    return;
  }
  const auto whole = [&]<typename T>(T) {
    const auto* small = std::get_if<std::int64_t>(&entry.value);
    return small != nullptr ? static_cast<T>(*small) : static_cast<T>(std::get<std::uint64_t>(entry.value));
  };
  switch (entry.type) {
    case GgufType::u8: return u8(entry.key, whole(std::uint8_t{}));
    case GgufType::i8: return i8(entry.key, whole(std::int8_t{}));
    case GgufType::u16: return u16(entry.key, whole(std::uint16_t{}));
    case GgufType::i16: return i16(entry.key, whole(std::int16_t{}));
    case GgufType::u32: return u32(entry.key, whole(std::uint32_t{}));
    case GgufType::i32: return i32(entry.key, whole(std::int32_t{}));
    case GgufType::u64: return u64(entry.key, whole(std::uint64_t{}));
    case GgufType::i64: return i64(entry.key, whole(std::int64_t{}));
    case GgufType::f32: return f32(entry.key, static_cast<float>(std::get<double>(entry.value)));
    case GgufType::f64: return f64(entry.key, std::get<double>(entry.value));
    case GgufType::boolean: return boolean(entry.key, std::get<bool>(entry.value));
    case GgufType::string: return text(entry.key, std::get<std::string_view>(entry.value));
    case GgufType::array: return;  // above
  }
}

void GgufWriter::add_tensor(std::string_view name, DType dtype, const Shape& shape) {
  if (is_writing_) throw InvalidArgument(cat("the tensor ", name, " comes after the first tensor's bytes"));
  if (name.empty() || name.size() > 63)  // what every known reader accepts
    throw InvalidArgument(cat("the tensor name \"", name, "\" does not have 1 to 63 bytes"));
  if (shape.rank() > 4 || shape.n_elements() == 0)
    throw InvalidArgument(cat("the tensor ", name, " ", shape.to_string(), " does not fit into GGUF"));
  if (!names_.emplace(name).second) throw InvalidArgument(cat("the tensor ", name, " is given twice"));
  Pending pending{std::string(name), tensor_bytes(name, dtype, shape)};
  put_text(tensor_infos_, name);
  put(tensor_infos_, static_cast<std::uint32_t>(shape.rank()));
  for (std::size_t axis = shape.rank(); axis-- > 0;) put(tensor_infos_, std::uint64_t{shape[axis]});
  put(tensor_infos_, ggml_type_of(dtype));
  put(tensor_infos_, std::uint64_t{data_bytes_});
  data_bytes_ += (pending.n_bytes + alignment_ - 1) / alignment_ * alignment_;
  tensors_.push_back(std::move(pending));
}

void GgufWriter::begin_data() {
  std::string header = "GGUF";
  put(header, kVersion);
  put(header, std::uint64_t{tensors_.size()});
  put(header, n_entries_);
  file_.reserve(header.size() + metadata_.size() + tensor_infos_.size() + alignment_ + data_bytes_);
  file_.write(as_bytes(header));
  file_.write(as_bytes(metadata_));
  file_.write(as_bytes(tensor_infos_));
  file_.pad_to(alignment_);
  is_writing_ = true;
}

void GgufWriter::write_tensor(std::string_view name, std::span<const std::byte> bytes) {
  if (!is_writing_) begin_data();
  if (current_ == tensors_.size() || tensors_[current_].name != name) {
    throw InvalidArgument(cat("the bytes of ", name, " come out of order: expected ",
                              current_ == tensors_.size() ? "no more" : tensors_[current_].name));
  }
  const Pending& tensor = tensors_[current_];
  if (bytes.size() > tensor.n_bytes - current_written_) {
    throw InvalidArgument(cat("the tensor ", name, " takes ", tensor.n_bytes, " bytes, but ",
                              current_written_ + bytes.size(), " came"));
  }
  file_.write(bytes);
  current_written_ += bytes.size();
  if (current_written_ < tensor.n_bytes) return;
  file_.pad_to(alignment_);
  ++current_;
  current_written_ = 0;
}

void GgufWriter::finish() {
  if (!is_writing_) begin_data();
  if (current_ != tensors_.size())
    throw InvalidArgument(cat("the tensor ", tensors_[current_].name, " is not whole"));
  file_.commit();
}

}  // namespace quintet
