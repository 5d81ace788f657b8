#pragma once

#include <string_view>
#include <vector>

namespace quintet {

/// How much the sentences before and after each gap have in common, 0 to 1: n - 1 values for n sentences,
/// each from up to `window` sentences on either side. Of words (folded, without the commonest English ones),
/// or of pairs of characters in scripts without spaces.
std::vector<float> cohesion_by_words(const std::vector<std::string_view>& sentences, std::size_t window);

/// The same from a vector per sentence: the cosine between the sums on either side. Throws InvalidArgument
/// unless all have one length.
std::vector<float> cohesion_by_vectors(const std::vector<std::vector<float>>& vectors, std::size_t window);

/// The depth of the valley at each gap: how far the cohesion rises to the nearest peak on the left and on the
/// right, summed (M. Hearst: TextTiling, Computational Linguistics 23(1), 1997). Linear.
std::vector<float> valley_depths(const std::vector<float>& cohesion);

/// A valley is a change of subject where it is deeper than this: mean + half a standard deviation.
float depth_threshold(const std::vector<float>& depths);

}  // namespace quintet
