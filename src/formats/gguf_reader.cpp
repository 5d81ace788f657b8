#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>

#include "core/error.h"
#include "core/text.h"
#include "formats/gguf.h"
#include "formats/gguf_types.h"

namespace quintet {

static_assert(std::endian::native == std::endian::little, "GGUF numbers are read as they lie in the file");

namespace {

// Far above every real model; what a hostile file can make us allocate stays small.
constexpr std::uint64_t kMaxTensors = std::uint64_t{1} << 18;
constexpr std::uint64_t kMaxEntries = std::uint64_t{1} << 16;
constexpr std::uint64_t kMaxKeyBytes = 65'535;  // by the specification
constexpr std::uint64_t kMaxNameBytes = 255;    // the specification says 64; longer ones do no harm
constexpr std::uint32_t kMaxDims = 4;
constexpr std::size_t kMaxAlignment = std::size_t{1} << 20;
constexpr int kMaxArrayDepth = 4;

/// Bytes of one element; nothing for strings and arrays.
std::optional<std::size_t> fixed_size(GgufType type) noexcept {
  switch (type) {
    case GgufType::u8:
    case GgufType::i8:
    case GgufType::boolean: return 1;
    case GgufType::u16:
    case GgufType::i16: return 2;
    case GgufType::u32:
    case GgufType::i32:
    case GgufType::f32: return 4;
    case GgufType::u64:
    case GgufType::i64:
    case GgufType::f64: return 8;
    case GgufType::string:
    case GgufType::array: return std::nullopt;
  }
  return std::nullopt;
}

std::string_view type_name(GgufType type) noexcept {
  constexpr std::string_view kNames[] = {"u8",   "i8",     "u16",   "i16", "u32", "i32", "f32",
                                         "bool", "string", "array", "u64", "i64", "f64"};
  return kNames[static_cast<std::size_t>(type)];
}

template <typename T>
T load(const std::byte* from) noexcept {
  T value;
  std::memcpy(&value, from, sizeof value);
  return value;
}

/// A number of the file as int64, uint64 above its range, or double.
GgufValue load_number(GgufType type, const std::byte* from) noexcept {
  switch (type) {
    case GgufType::u8: return std::int64_t{load<std::uint8_t>(from)};
    case GgufType::i8: return std::int64_t{load<std::int8_t>(from)};
    case GgufType::u16: return std::int64_t{load<std::uint16_t>(from)};
    case GgufType::i16: return std::int64_t{load<std::int16_t>(from)};
    case GgufType::u32: return std::int64_t{load<std::uint32_t>(from)};
    case GgufType::i32: return std::int64_t{load<std::int32_t>(from)};
    case GgufType::f32: return double{load<float>(from)};
    case GgufType::boolean: return load<std::uint8_t>(from) != 0;
    case GgufType::i64: return load<std::int64_t>(from);
    case GgufType::f64: return load<double>(from);
    case GgufType::u64: {
      const auto value = load<std::uint64_t>(from);
      if (value <= static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()))
        return static_cast<std::int64_t>(value);
      return value;
    }
    case GgufType::string:
    case GgufType::array: break;
  }
  return false;  // not reached: callers pass number types
}

/// Reads forward through one mapped file; every read is checked against its end.
class Cursor {
 public:
  Cursor(std::span<const std::byte> bytes, std::string file) : bytes_(bytes), file_(std::move(file)) {}

  std::size_t pos() const noexcept { return pos_; }
  std::size_t left() const noexcept { return bytes_.size() - pos_; }
  std::uint32_t version = 3;

  [[noreturn]] void corrupt(const std::string& problem) const {
    throw CorruptData(cat(file_, ": at byte ", pos_, ": ", problem));
  }
  [[noreturn]] void unsupported(const std::string& problem) const {
    throw Unsupported(cat(file_, ": ", problem));
  }

  std::span<const std::byte> take(std::uint64_t n, std::string_view what) {
    if (n > left()) corrupt(cat(what, " takes ", n, " bytes, but ", left(), " are left in the file"));
    const auto piece = bytes_.subspan(pos_, static_cast<std::size_t>(n));
    pos_ += static_cast<std::size_t>(n);
    return piece;
  }
  template <typename T>
  T number(std::string_view what) {
    return load<T>(take(sizeof(T), what).data());
  }
  /// A count or a length: 32 bits in version 1, 64 later.
  std::uint64_t count(std::string_view what) {
    return version == 1 ? number<std::uint32_t>(what) : number<std::uint64_t>(what);
  }
  std::string_view text(std::string_view what, std::uint64_t max_bytes) {
    const std::uint64_t n = count(what);
    if (n > max_bytes && n <= left()) corrupt(cat(what, " is ", n, " bytes long; at most ", max_bytes));
    const auto piece = take(n, what);
    return {reinterpret_cast<const char*>(piece.data()), piece.size()};
  }
  GgufType value_type(std::string_view what) {
    const auto type = number<std::uint32_t>(what);
    if (type > static_cast<std::uint32_t>(GgufType::f64))
      corrupt(cat(what, " is ", type, ", which is no type of value (0 to 12)"));
    return static_cast<GgufType>(type);
  }

  GgufArray array(std::string_view what, int depth = 1) {
    if (depth > kMaxArrayDepth) corrupt(cat(what, " nests arrays deeper than ", kMaxArrayDepth));
    GgufArray result;
    result.element_type = value_type(what);
    result.n = count(what);
    const std::size_t begin = pos_;
    if (const auto size = fixed_size(result.element_type)) {
      if (result.n > left() / *size) {
        corrupt(cat(what, " has ", result.n, " elements of ", type_name(result.element_type), ", but ",
                    left(), " bytes are left in the file"));
      }
      const auto elements = take(result.n * *size, what);
      if (result.element_type == GgufType::boolean)
        for (const std::byte b : elements)
          if (b > std::byte{1}) corrupt(cat(what, " has a bool that is ", static_cast<int>(b)));
    } else {
      // Each element takes bytes of the file, so that a false count ends at the end of the file.
      for (std::uint64_t i = 0; i < result.n; ++i) {
        if (result.element_type == GgufType::string)
          text(what, std::numeric_limits<std::uint64_t>::max());
        else
          array(what, depth + 1);
      }
    }
    result.bytes = bytes_.subspan(begin, pos_ - begin);
    return result;
  }

  GgufValue value(GgufType type, std::string_view what) {
    switch (type) {
      case GgufType::string: return text(what, std::numeric_limits<std::uint64_t>::max());
      case GgufType::array: return array(what);
      case GgufType::boolean: {
        const auto byte = number<std::uint8_t>(what);
        if (byte > 1) corrupt(cat(what, " is a bool of ", int{byte}));
        return byte != 0;
      }
      default: return load_number(type, take(*fixed_size(type), what).data());
    }
  }

 private:
  std::span<const std::byte> bytes_;
  std::string file_;
  std::size_t pos_ = 0;
};

/// What stands in front of a file that is not GGUF, for the message.
std::string wrong_start(std::span<const std::byte> start) {
  const std::string_view text(reinterpret_cast<const char*>(start.data()), start.size());
  if (text.starts_with("tjgg") || text.starts_with("lmgg") || text.starts_with("fmgg"))
    return "it is in a format before GGUF (ggml, ggmf or ggjt); convert the model anew";
  if (text.starts_with("version https://git-lfs"))
    return "it is a Git LFS pointer, not the model; download the model itself";
  if (text.starts_with("PK\x03\x04") || text.starts_with("\x80\x02"))
    return "it looks like a PyTorch file; use its safetensors or GGUF form";
  if (text.starts_with("<!") || text.starts_with("<html"))
    return "it is a web page, perhaps a download that needed a login";
  return cat("it starts with ", shown_name(text.substr(0, 4)), " instead of \"GGUF\"");
}

[[noreturn]] void wrong_type(const GgufEntry& entry, std::string_view wanted) {
  std::string is(type_name(entry.type));
  if (const auto* array = std::get_if<GgufArray>(&entry.value))
    is = cat("an array of ", type_name(array->element_type));
  throw CorruptData(cat("metadata ", shown_name(entry.key), " is ", is, ", not ", wanted));
}

/// "00002-of-00003.gguf" for the second part, which has the number 1.
std::string part_ending(std::int64_t no, std::int64_t count) {
  const auto five = [](std::int64_t n) {
    const std::string digits = cat(n);
    return std::string(digits.size() < 5 ? 5 - digits.size() : 0, '0') + digits;
  };
  return cat(five(no + 1), "-of-", five(count), ".gguf");
}

/// "dir/name-00001-of-00003.gguf" becomes "dir/name-"; nothing when the name has another form.
std::optional<std::string> part_prefix(const std::filesystem::path& path, std::int64_t no,
                                       std::int64_t count) {
  const std::string text = path.string();
  const std::string ending = part_ending(no, count);
  if (!text.ends_with("-" + ending)) return std::nullopt;
  return text.substr(0, text.size() - ending.size());
}

}  // namespace

/// Builds a GgufFile, one file of the split after the other.
class GgufReader {
 public:
  static GgufFile open(const std::filesystem::path& path) {
    GgufReader reader;
    const Header first = reader.read(path);
    reader.file_.version_ = first.version;
    reader.file_.alignment_ = first.alignment;
    reader.file_.metadata_ = first.metadata;
    reader.file_.metadata_by_key_ = first.by_key;
    reader.read_other_parts(path);
    reader.index_tensors();
    return std::move(reader.file_);
  }

 private:
  struct Header {
    std::uint32_t version = 0;
    std::size_t alignment = 32;
    std::vector<GgufEntry> metadata;
    NameIndex by_key;
  };

  /// Appends the tensors of one file and gives its metadata.
  Header read(const std::filesystem::path& path) {
    std::shared_ptr<Storage> storage = map_file(path);
    Header header = read_unchanged(*storage, [&] { return read_mapped(path, *storage); });
    file_.paths_.push_back(path);
    file_.storages_.push_back(std::move(storage));
    return header;
  }

  Header read_mapped(const std::filesystem::path& path, const Storage& storage) {
    Cursor cursor(storage.bytes(), path.string());
    Header header = read_metadata(cursor);
    const std::size_t first_tensor = file_.tensors_.size();
    read_tensor_infos(cursor);
    place_tensors(cursor, header.alignment, first_tensor, storage.size());
    return header;
  }

  Header read_metadata(Cursor& cursor) {
    Header header;
    const auto start = std::min<std::size_t>(cursor.left(), 32);
    Cursor ahead = cursor;
    const auto magic = ahead.take(start, "the start");
    if (start < 4 || std::memcmp(magic.data(), "GGUF", 4) != 0)
      cursor.corrupt(cat("not a GGUF file: ", wrong_start(magic)));
    cursor.take(4, "the magic");
    header.version = cursor.number<std::uint32_t>("the version");
    if (header.version != 0 && (header.version & 0xFFFF) == 0)
      cursor.unsupported("the file is big-endian; only little-endian GGUF is read");
    if (header.version < 1 || header.version > 3)
      cursor.unsupported(cat("GGUF version ", header.version, "; versions 1, 2 and 3 are read"));
    cursor.version = header.version;

    n_tensors_ = cursor.count("the number of tensors");
    const std::uint64_t n_entries = cursor.count("the number of metadata entries");
    if (n_tensors_ > kMaxTensors)
      cursor.corrupt(cat("the file claims ", n_tensors_, " tensors; at most ", kMaxTensors, " are read"));
    if (n_entries > kMaxEntries) {
      cursor.corrupt(
          cat("the file claims ", n_entries, " metadata entries; at most ", kMaxEntries, " are read"));
    }
    for (std::uint64_t i = 0; i < n_entries; ++i) {
      GgufEntry entry;
      entry.key = cursor.text(cat("key ", i + 1, " of ", n_entries), kMaxKeyBytes);
      if (entry.key.empty()) cursor.corrupt(cat("key ", i + 1, " is empty"));
      const std::string what = cat("the value of ", shown_name(entry.key));
      entry.type = cursor.value_type(cat("the type of ", shown_name(entry.key)));
      entry.value = cursor.value(entry.type, what);
      header.metadata.push_back(entry);
    }
    const auto key = [&](std::uint32_t i) { return header.metadata[i].key; };
    header.by_key = NameIndex(header.metadata.size(), key);
    if (const auto twin = header.by_key.find_twin(key))
      cursor.corrupt(cat("the key ", shown_name(key(*twin)), " stands there twice"));
    if (const auto at = header.by_key.find("general.alignment", key))
      header.alignment = read_alignment(cursor, header.metadata[*at]);
    return header;
  }

  static std::size_t read_alignment(const Cursor& cursor, const GgufEntry& entry) {
    const auto* value = std::get_if<std::int64_t>(&entry.value);
    if (value == nullptr || *value < 8 || static_cast<std::uint64_t>(*value) > kMaxAlignment ||
        !std::has_single_bit(static_cast<std::uint64_t>(*value))) {
      cursor.corrupt(cat("general.alignment is ", value == nullptr ? "no number" : cat(*value),
                         "; expected a power of two from 8 to ", kMaxAlignment));
    }
    return static_cast<std::size_t>(*value);
  }

  void read_tensor_infos(Cursor& cursor) {
    for (std::uint64_t i = 0; i < n_tensors_; ++i) {
      TensorInfo info;
      const std::string_view name = cursor.text(cat("the name of tensor ", i + 1), kMaxNameBytes);
      if (name.empty()) cursor.corrupt(cat("tensor ", i + 1, " has no name"));
      info.name = name;
      info.file = file_.paths_.size();
      const auto n_dims = cursor.number<std::uint32_t>(cat("the rank of ", shown_name(name)));
      if (n_dims > kMaxDims)
        cursor.corrupt(cat("tensor ", shown_name(name), " has ", n_dims, " dimensions; at most ", kMaxDims));
      std::size_t extents[kMaxDims] = {};
      for (std::uint32_t d = 0; d < n_dims; ++d) {
        extents[n_dims - 1 - d] = cursor.count(cat("a dimension of ", shown_name(name)));
        if (extents[n_dims - 1 - d] == 0)
          cursor.corrupt(cat("tensor ", shown_name(name), " has a dimension of 0"));
      }
      try {
        info.shape = Shape(std::span<const std::size_t>(extents, n_dims));
      } catch (const InvalidArgument& error) {
        cursor.corrupt(cat("tensor ", shown_name(name), ": ", error.what()));
      }
      const auto type = cursor.number<std::uint32_t>(cat("the type of ", shown_name(name)));
      const auto known = dtype_of_ggml(type);
      if (!known) {
        cursor.unsupported(cat("tensor ", shown_name(name), " is ", ggml_type_name(type), "; supported are ",
                               supported_ggml_types()));
      }
      info.dtype = *known;
      info.offset = cursor.number<std::uint64_t>(cat("the offset of ", shown_name(name)));
      file_.tensors_.push_back(std::move(info));
    }
  }

  /// Makes the offsets of the tensors from `first` on count from the start of the file, and checks that they
  /// lie in it and that no two share a byte.
  void place_tensors(const Cursor& cursor, std::size_t alignment, std::size_t first, std::size_t file_size) {
    const std::size_t data_begin = (cursor.pos() + alignment - 1) / alignment * alignment;
    struct Extent {
      std::size_t begin;
      std::size_t end;
      std::uint32_t tensor;
    };
    std::vector<Extent> extents;
    for (std::size_t i = first; i < file_.tensors_.size(); ++i) {
      TensorInfo& info = file_.tensors_[i];
      if (info.offset % alignment != 0) {
        cursor.corrupt(cat("tensor ", shown_name(info.name), " starts at ", info.offset,
                           ", which is no multiple of the alignment ", alignment));
      }
      std::size_t n_bytes = 0;
      try {
        n_bytes = row_bytes(info.dtype, info.shape.back());
      } catch (const InvalidArgument& error) {
        cursor.corrupt(cat("tensor ", shown_name(info.name), ": ", error.what()));
      }
      const std::size_t room = file_size > data_begin ? file_size - data_begin : 0;
      if (info.offset > room || info.shape.n_rows() > (room - info.offset) / n_bytes) {
        cursor.corrupt(cat("tensor ", shown_name(info.name), " ", info.shape.to_string(), " of ",
                           dtype_name(info.dtype), " from ", info.offset,
                           " on reaches past the end of the file: ", room,
                           " bytes of tensors are there (truncated?)"));
      }
      info.offset += data_begin;
      extents.push_back(
          {info.offset, info.offset + info.shape.n_rows() * n_bytes, static_cast<std::uint32_t>(i)});
    }
    std::ranges::sort(extents, {}, &Extent::begin);
    for (std::size_t i = 1; i < extents.size(); ++i) {
      if (extents[i].begin < extents[i - 1].end) {
        cursor.corrupt(cat("tensors ", shown_name(file_.tensors_[extents[i - 1].tensor].name), " and ",
                           shown_name(file_.tensors_[extents[i].tensor].name), " overlap"));
      }
    }
  }

  void read_other_parts(const std::filesystem::path& path) {
    const std::int64_t n_parts = file_.integer("split.count").value_or(1);
    const std::int64_t no = file_.integer("split.no").value_or(0);
    if (n_parts < 1 || n_parts > 99'999 || no < 0 || no >= n_parts) {
      throw CorruptData(
          cat(path.string(), ": it claims to be part ", no + 1, " of ", n_parts, " of a split model"));
    }
    if (n_parts == 1) return;
    const auto prefix = part_prefix(path, no, n_parts);
    if (no != 0) {
      throw InvalidArgument(cat(path.string(), " is part ", no + 1, " of ", n_parts,
                                " of a model; open the first",
                                prefix ? cat(": ", *prefix, part_ending(0, n_parts)) : std::string()));
    }
    if (!prefix) {
      throw InvalidArgument(cat(path.string(), " is the first of ", n_parts,
                                " parts, which are found by their names: it must be called like ", "model-",
                                part_ending(0, n_parts)));
    }
    for (std::int64_t i = 1; i < n_parts; ++i) {
      const std::filesystem::path part = *prefix + part_ending(i, n_parts);
      const Header header = read(part);
      check_part(header, part, i, n_parts);
    }
    if (const auto n_tensors = file_.integer("split.tensors.count")) {
      if (*n_tensors < 0 || static_cast<std::uint64_t>(*n_tensors) != file_.tensors_.size()) {
        throw CorruptData(cat(path.string(), ": the parts should have ", *n_tensors,
                              " tensors together, but have ", file_.tensors_.size()));
      }
    }
  }

  void check_part(const Header& header, const std::filesystem::path& path, std::int64_t no,
                  std::int64_t n_parts) const {
    const auto key = [&](std::uint32_t i) { return header.metadata[i].key; };
    const auto whole = [&](std::string_view name) -> std::int64_t {
      const auto at = header.by_key.find(name, key);
      const auto* value = at ? std::get_if<std::int64_t>(&header.metadata[*at].value) : nullptr;
      return value == nullptr ? -1 : *value;
    };
    if (whole("split.no") != no || whole("split.count") != n_parts) {
      throw CorruptData(cat(path.string(), ": expected part ", no + 1, " of ", n_parts,
                            " of the model, but its split.no and split.count say otherwise"));
    }
    if (file_.tensors_.size() > kMaxTensors)
      throw CorruptData(cat(path.string(), ": the parts have more than ", kMaxTensors, " tensors together"));
  }

  void index_tensors() {
    const auto name = [&](std::uint32_t i) { return std::string_view(file_.tensors_[i].name); };
    file_.tensors_by_name_ = NameIndex(file_.tensors_.size(), name);
    if (const auto twin = file_.tensors_by_name_.find_twin(name)) {
      const TensorInfo& info = file_.tensors_[*twin];
      throw CorruptData(cat(file_.paths_[info.file].string(), ": the tensor ", shown_name(info.name),
                            " stands there twice"));
    }
  }

  GgufFile file_;
  std::uint64_t n_tensors_ = 0;
};

GgufFile GgufFile::open(const std::filesystem::path& path) {
  return GgufReader::open(path);
}

const GgufEntry* GgufFile::find(std::string_view key) const noexcept {
  const auto at = metadata_by_key_.find(key, [&](std::uint32_t i) { return metadata_[i].key; });
  return at ? &metadata_[*at] : nullptr;
}

std::optional<std::string_view> GgufFile::text(std::string_view key) const {
  const GgufEntry* entry = find(key);
  if (entry == nullptr) return std::nullopt;
  if (const auto* value = std::get_if<std::string_view>(&entry->value)) return *value;
  wrong_type(*entry, "a string");
}

std::optional<std::int64_t> GgufFile::integer(std::string_view key) const {
  const GgufEntry* entry = find(key);
  if (entry == nullptr) return std::nullopt;
  if (const auto* value = std::get_if<std::int64_t>(&entry->value)) return *value;
  wrong_type(*entry, "a whole number below 2^63");
}

std::optional<double> GgufFile::number(std::string_view key) const {
  const GgufEntry* entry = find(key);
  if (entry == nullptr) return std::nullopt;
  if (const auto* value = std::get_if<double>(&entry->value)) return *value;
  if (const auto* value = std::get_if<std::int64_t>(&entry->value)) return static_cast<double>(*value);
  if (const auto* value = std::get_if<std::uint64_t>(&entry->value)) return static_cast<double>(*value);
  wrong_type(*entry, "a number");
}

std::optional<bool> GgufFile::boolean(std::string_view key) const {
  const GgufEntry* entry = find(key);
  if (entry == nullptr) return std::nullopt;
  if (const auto* value = std::get_if<bool>(&entry->value)) return *value;
  wrong_type(*entry, "a bool");
}

std::optional<std::vector<std::string_view>> GgufFile::texts(std::string_view key) const {
  const GgufEntry* entry = find(key);
  if (entry == nullptr) return std::nullopt;
  const auto* array = std::get_if<GgufArray>(&entry->value);
  if (array == nullptr || (array->element_type != GgufType::string && array->n != 0))
    wrong_type(*entry, "an array of strings");
  std::vector<std::string_view> result;
  result.reserve(array->n);  // each takes bytes of the file, which were walked when it was opened
  Cursor cursor(array->bytes, std::string(key));
  cursor.version = version_;
  for (std::uint64_t i = 0; i < array->n; ++i)
    result.push_back(cursor.text("a string", std::numeric_limits<std::uint64_t>::max()));
  return result;
}

std::optional<std::vector<std::int64_t>> GgufFile::integers(std::string_view key) const {
  const GgufEntry* entry = find(key);
  if (entry == nullptr) return std::nullopt;
  const auto* array = std::get_if<GgufArray>(&entry->value);
  const auto size = array == nullptr ? std::nullopt : fixed_size(array->element_type);
  if (!size || array->element_type == GgufType::f32 || array->element_type == GgufType::f64)
    wrong_type(*entry, "an array of whole numbers");
  std::vector<std::int64_t> result;
  result.reserve(array->n);
  for (std::uint64_t i = 0; i < array->n; ++i) {
    const GgufValue value = load_number(array->element_type, array->bytes.data() + i * *size);
    if (const auto* flag = std::get_if<bool>(&value))
      result.push_back(*flag ? 1 : 0);
    else if (const auto* whole = std::get_if<std::int64_t>(&value))
      result.push_back(*whole);
    else
      wrong_type(*entry, "an array of whole numbers below 2^63");
  }
  return result;
}

std::optional<std::vector<float>> GgufFile::numbers(std::string_view key) const {
  const GgufEntry* entry = find(key);
  if (entry == nullptr) return std::nullopt;
  const auto* array = std::get_if<GgufArray>(&entry->value);
  const auto size = array == nullptr ? std::nullopt : fixed_size(array->element_type);
  if (!size || array->element_type == GgufType::boolean) wrong_type(*entry, "an array of numbers");
  std::vector<float> result;
  result.reserve(array->n);
  for (std::uint64_t i = 0; i < array->n; ++i) {
    const GgufValue value = load_number(array->element_type, array->bytes.data() + i * *size);
    if (const auto* real = std::get_if<double>(&value))
      result.push_back(static_cast<float>(*real));
    else if (const auto* whole = std::get_if<std::int64_t>(&value))
      result.push_back(static_cast<float>(*whole));
    else
      result.push_back(static_cast<float>(std::get<std::uint64_t>(value)));
  }
  return result;
}

std::string_view GgufFile::architecture() const {
  return text("general.architecture").value_or("");
}

const TensorInfo* GgufFile::find_tensor(std::string_view name) const noexcept {
  const auto at =
      tensors_by_name_.find(name, [&](std::uint32_t i) { return std::string_view(tensors_[i].name); });
  return at ? &tensors_[*at] : nullptr;
}

Tensor GgufFile::tensor(std::string_view name) const {
  const TensorInfo* info = find_tensor(name);
  if (info == nullptr)
    throw NotFound(cat(paths_.front().string(), ": there is no tensor ", shown_name(name)));
  return Tensor(storages_[info->file], info->offset, info->dtype, info->shape);
}

void GgufFile::require_unchanged() const {
  for (const auto& storage : storages_) storage->require_unchanged();
}

}  // namespace quintet
