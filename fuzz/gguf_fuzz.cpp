// QN_FUZZ_LINK: quintet_formats
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <variant>

#include "core/error.h"
#include "formats/gguf.h"
#include "formats/gguf_writer.h"
#include "memory_file.h"

using namespace quintet;

namespace {

void require(bool claim) {
  if (!claim) std::abort();
}

/// Every typed read gives a value or says why not.
void read_all_ways(const GgufFile& file, std::string_view key) {
  const auto attempt = [](const auto& read) {
    try {
      read();
    } catch (const CorruptData& error) {
      require(error.what()[0] != '\0');
    }
  };
  attempt([&] { file.text(key); });
  attempt([&] { file.integer(key); });
  attempt([&] { file.number(key); });
  attempt([&] { file.boolean(key); });
  attempt([&] { file.texts(key); });
  attempt([&] { file.integers(key); });
  attempt([&] { file.numbers(key); });
}

unsigned sum_of(std::span<const std::byte> bytes) {
  unsigned sum = 0;
  for (const std::byte b : bytes) sum += static_cast<unsigned>(b);
  return sum;
}

/// What was read can be written, and then reads the same.
void check_copy(const GgufFile& file) {
  const std::filesystem::path path =
      std::filesystem::path("/dev/shm") / ("quintet-gguf-fuzz-" + std::to_string(::getpid()));
  try {
    GgufWriter writer(path, file.alignment());
    for (const GgufEntry& entry : file.metadata())
      if (entry.key != "general.alignment") writer.copy(entry, file.version());
    for (const TensorInfo& info : file.tensors()) writer.add_tensor(info.name, info.dtype, info.shape);
    for (const TensorInfo& info : file.tensors())
      writer.write_tensor(info.name, file.tensor(info.name).bytes());
    writer.finish();
  } catch (const Unsupported&) {
    return;  // arrays of arrays of version 1
  } catch (const InvalidArgument&) {
    return;  // tensor names that are read, but not written
  }
  const GgufFile copy = GgufFile::open(path);
  std::filesystem::remove(path);
  require(copy.tensors().size() == file.tensors().size());
  for (const GgufEntry& entry : file.metadata()) {
    if (entry.key == "general.alignment") continue;
    const GgufEntry* twin = copy.find(entry.key);
    require(twin != nullptr && twin->type == entry.type && twin->value.index() == entry.value.index());
    if (const auto* text = std::get_if<std::string_view>(&entry.value))
      require(std::get<std::string_view>(twin->value) == *text);
    if (const auto* whole = std::get_if<std::int64_t>(&entry.value))
      require(std::get<std::int64_t>(twin->value) == *whole);
    if (const auto* array = std::get_if<GgufArray>(&entry.value))
      require(std::get<GgufArray>(twin->value).n == array->n);
  }
  for (const TensorInfo& info : file.tensors())
    require(sum_of(copy.tensor(info.name).bytes()) == sum_of(file.tensor(info.name).bytes()));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static MemoryFile memory;
  memory.set(data, size);
  try {
    const GgufFile file = GgufFile::open(memory.path());
    for (const GgufEntry& entry : file.metadata()) {
      require(file.find(entry.key) == &entry);
      read_all_ways(file, entry.key);
    }
    for (const TensorInfo& info : file.tensors()) {
      require(file.find_tensor(info.name) == &info);
      const auto bytes = file.tensor(info.name).bytes();
      require(sum_of(bytes) <= 255 * bytes.size());  // a read outside the mapping would crash
    }
    check_copy(file);
  } catch (const Error& error) {
    require(error.what()[0] != '\0');
  }
  return 0;
}
