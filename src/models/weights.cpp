#include "models/weights.h"

#include <algorithm>

#include "core/error.h"
#include "core/text.h"
#include "tensor/dequantize.h"

namespace quintet {

Linear WeightLoader::pack(const Tensor& weight, const std::string& name) {
  if (!kernels::is_matmul_type(weight.dtype())) {
    throw Unsupported(cat(source_.name(), ": ", name, ".weight is ", dtype_name(weight.dtype()),
                          ", which matrices can't be"));
  }
  Linear loaded;
  loaded.weight = pack_matrix(compute_, weight, arena_);
  release_pages(*weight.storage(), weight.bytes());  // pages that two tasks had a part of
  n_parameters_ += weight.shape().n_elements();
  weight_bytes_ += loaded.weight.size_bytes();
  return loaded;
}

Linear WeightLoader::linear(const std::string& name, std::size_t n_out, std::size_t n_in) {
  Linear loaded = pack(source_.require_tensor(name + ".weight", Shape{n_out, n_in}), name);
  loaded.bias = optional_vector(name + ".bias", n_out);
  return loaded;
}

Linear WeightLoader::linear_rows(const std::string& name, std::size_t n_rows, std::size_t n_in,
                                 std::size_t begin, std::size_t n_out) {
  const Tensor whole = source_.require_tensor(name + ".weight", Shape{n_rows, n_in});
  Linear loaded = pack(whole.slice(begin, begin + n_out), name);
  const auto bias = optional_vector(name + ".bias", n_rows);
  if (!bias.empty()) {
    const auto first = bias.begin() + static_cast<std::ptrdiff_t>(begin);
    loaded.bias.assign(first, first + static_cast<std::ptrdiff_t>(n_out));
    n_parameters_ -= n_rows - n_out;
    weight_bytes_ -= (n_rows - n_out) * sizeof(float);
  }
  return loaded;
}

Linear WeightLoader::linear_of_stack(const std::string& name, std::size_t n, std::size_t index,
                                     std::size_t n_out, std::size_t n_in) {
  const Tensor stack = source_.require_tensor(name + ".weight", Shape{n, n_out, n_in});
  return pack(stack.slice(index, index + 1).reshaped(Shape{n_out, n_in}), name);
}

Norm WeightLoader::norm(const std::string& name, NormKind kind, float eps, std::size_t dim) {
  Norm loaded{.kind = kind, .eps = eps, .weight = vector(name + ".weight", dim), .bias = {}};
  if (kind == NormKind::layer) loaded.bias = optional_vector(name + ".bias", dim);
  return loaded;
}

std::vector<float> WeightLoader::vector(const std::string& name, std::size_t n) {
  const Tensor tensor = source_.require_tensor(name, Shape{n});
  std::vector<float> values(n);
  dequantize_row(tensor.dtype(), tensor.bytes().data(), values.data(), n);
  n_parameters_ += n;
  weight_bytes_ += n * sizeof(float);
  return values;
}

std::vector<float> WeightLoader::optional_vector(const std::string& name, std::size_t n) {
  return has(name) ? vector(name, n) : std::vector<float>{};
}

Tensor WeightLoader::table(const std::string& name, std::size_t n_rows, std::size_t n_cols) {
  const Tensor stored = source_.require_tensor(name, Shape{n_rows, n_cols});
  const std::span<const std::byte> from = stored.bytes();
  const StorageArena::Piece piece = arena_.take(from.size());
  constexpr std::size_t kTaskBytes = std::size_t{1} << 20;
  compute_.team.for_each((from.size() + kTaskBytes - 1) / kTaskBytes, [&](std::size_t task, std::size_t) {
    const std::size_t at = task * kTaskBytes;
    const auto part = from.subspan(at, std::min(kTaskBytes, from.size() - at));
    std::ranges::copy(part, piece.data + at);
    release_pages(*stored.storage(), part);
  });
  n_parameters_ += n_rows * n_cols;
  weight_bytes_ += from.size();
  const auto offset = static_cast<std::size_t>(piece.data - piece.storage->data());
  return Tensor(piece.storage, offset, stored.dtype(), stored.shape());
}

void WeightLoader::report(ModelInfo& info) const noexcept {
  info.n_parameters = n_parameters_;
  info.weight_bytes = weight_bytes_;
}

std::string block_name(std::size_t layer, std::string_view rest) {
  return cat("blk.", layer, ".", rest);
}

}  // namespace quintet
