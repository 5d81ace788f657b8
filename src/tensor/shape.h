#pragma once

#include <array>
#include <cstddef>
#include <initializer_list>
#include <span>
#include <string>

namespace quintet {

/// Extents of a tensor, outermost first ([rows, cols] is row-major). At most kMaxRank of them; rank 0 is a
/// scalar.
class Shape {
 public:
  static constexpr std::size_t kMaxRank = 6;

  Shape() = default;
  Shape(std::initializer_list<std::size_t> extents) : Shape(std::span(extents.begin(), extents.size())) {}
  /// Throws InvalidArgument for more than kMaxRank extents or a product that overflows.
  explicit Shape(std::span<const std::size_t> extents);

  std::size_t rank() const noexcept { return rank_; }
  std::size_t operator[](std::size_t axis) const noexcept { return extents_[axis]; }
  std::size_t back() const noexcept { return rank_ == 0 ? 1 : extents_[rank_ - 1]; }
  std::size_t n_elements() const noexcept { return n_elements_; }
  /// Product of all extents but the last.
  std::size_t n_rows() const noexcept { return back() == 0 ? 0 : n_elements_ / back(); }
  std::span<const std::size_t> extents() const noexcept { return {extents_.data(), rank_}; }

  /// "[2, 3]"
  std::string to_string() const;
  friend bool operator==(const Shape& a, const Shape& b) noexcept;

 private:
  std::array<std::size_t, kMaxRank> extents_{};
  std::size_t rank_ = 0;
  std::size_t n_elements_ = 1;
};

}  // namespace quintet
