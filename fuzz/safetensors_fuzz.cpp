// QN_FUZZ_LINK: quintet_formats
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "core/error.h"
#include "formats/safetensors.h"
#include "memory_file.h"

using namespace quintet;

namespace {

void require(bool claim) {
  if (!claim) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static MemoryFile memory;
  // Mutations seldom hit the length in front, so it is also put right.
  std::vector<std::uint8_t> bytes(data, data + size);
  if (size > 9 && (bytes[7] & 1) != 0) {
    std::uint64_t header = 0;
    for (std::size_t i = 8; i < size && header == 0; ++i)
      if (bytes[i] == '}' && (i + 1 == size || bytes[i + 1] == 0)) header = i - 7;
    for (int k = 0; k < 8; ++k)
      bytes[static_cast<std::size_t>(k)] = static_cast<std::uint8_t>(header >> (8 * k));
  }
  memory.set(bytes.data(), bytes.size());
  const std::filesystem::path path =
      std::filesystem::path("/dev/shm") / ("quintet-safetensors-fuzz-" + std::to_string(::getpid()));
  try {
    const SafetensorsFile file = SafetensorsFile::open(memory.path());
    std::vector<NamedTensor> tensors;
    for (const TensorInfo& info : file.tensors()) {
      require(file.find_tensor(info.name) == &info);
      tensors.push_back({info.name, file.tensor(info.name).clone()});
    }
    write_safetensors(path, tensors, file.metadata());
    const SafetensorsFile copy = SafetensorsFile::open(path);
    std::filesystem::remove(path);
    require(copy.tensors().size() == tensors.size() && copy.metadata() == file.metadata());
    for (const NamedTensor& tensor : tensors) {
      const Tensor twin = copy.tensor(tensor.name);
      require(twin.shape() == tensor.tensor.shape() && twin.dtype() == tensor.tensor.dtype());
      require(std::ranges::equal(twin.bytes(), tensor.tensor.bytes()));
    }
  } catch (const Error& error) {
    require(error.what()[0] != '\0');
  }
  return 0;
}
