#include "formats/quantize_mixture.h"

#include <gtest/gtest.h>

namespace quintet {
namespace {

const MixtureModel kModel{.n_layers = 32, .queries_per_kv = 4, .has_tied_embeddings = false};

DType type_in(const char* mixture, const char* tensor, const Shape& shape = Shape{512, 512},
              const MixtureModel& model = kModel) {
  return mixture_type(*find_mixture(mixture), tensor, shape, model);
}

TEST(QuantizeMixture, IsFoundByItsName) {
  EXPECT_EQ(find_mixture("Q4_K_M")->file_type, 15u);
  EXPECT_EQ(find_mixture("q4_k"), find_mixture("q4_k_m"));
  EXPECT_EQ(find_mixture("q9"), nullptr);
  EXPECT_GT(mixtures().size(), 15u);
}

/// Expectations as llama.cpp's llama-quantize (August 2026) makes them.
TEST(QuantizeMixture, GivesMoreBitsToWhatMattersMore) {
  EXPECT_EQ(type_in("q4_k_m", "blk.0.attn_v.weight"), DType::q6_k);
  EXPECT_EQ(type_in("q4_k_m", "blk.4.attn_v.weight"), DType::q4_k);
  EXPECT_EQ(type_in("q4_k_m", "blk.6.ffn_down.weight"), DType::q6_k);
  EXPECT_EQ(type_in("q4_k_m", "blk.31.ffn_down.weight"), DType::q6_k);
  EXPECT_EQ(type_in("q4_k_m", "blk.0.attn_q.weight"), DType::q4_k);
  EXPECT_EQ(type_in("q4_k_s", "blk.3.attn_v.weight"), DType::q5_k);
  EXPECT_EQ(type_in("q4_k_s", "blk.4.attn_v.weight"), DType::q4_k);
  EXPECT_EQ(type_in("q2_k", "blk.9.attn_v.weight"), DType::q4_k);
  EXPECT_EQ(type_in("q2_k", "blk.9.attn_v.weight", Shape{512, 512}, {.n_layers = 32, .queries_per_kv = 1}),
            DType::q3_k);
  EXPECT_EQ(type_in("q2_k", "blk.9.attn_output.weight"), DType::q3_k);
  EXPECT_EQ(type_in("q3_k_m", "blk.1.attn_v.weight"), DType::q5_k);
  EXPECT_EQ(type_in("q3_k_m", "blk.2.ffn_down.weight"), DType::q4_k);
  EXPECT_EQ(type_in("q3_k_l", "blk.9.attn_output.weight"), DType::q5_k);
  EXPECT_EQ(type_in("q3_k_s", "blk.9.ffn_down.weight"), DType::q3_k);
  EXPECT_EQ(type_in("iq4_xs", "blk.9.attn_v.weight"), DType::q5_k);
}

TEST(QuantizeMixture, KeepsTheOutputPrecise) {
  EXPECT_EQ(type_in("q4_0", "output.weight"), DType::q6_k);
  EXPECT_EQ(type_in("q8_0", "output.weight"), DType::q8_0);
  EXPECT_EQ(type_in("q4_0", "token_embd.weight"), DType::q4_0);
  const MixtureModel tied{.n_layers = 32, .has_tied_embeddings = true};
  EXPECT_EQ(type_in("q4_0", "token_embd.weight", Shape{512, 512}, tied), DType::q6_k);
  EXPECT_EQ(mixture_type(*find_mixture("q4_0"), "output.weight", Shape{512, 512}, kModel, true), DType::q4_0);
  EXPECT_EQ(type_in("bf16", "output.weight"), DType::bf16);
}

TEST(QuantizeMixture, FallsBackWhereRowsAreNoWholeBlocks) {
  EXPECT_EQ(type_that_fits(DType::q4_k, 576), DType::q5_0);
  EXPECT_EQ(type_that_fits(DType::q5_k, 576), DType::q5_1);
  EXPECT_EQ(type_that_fits(DType::q6_k, 576), DType::q8_0);
  EXPECT_EQ(type_that_fits(DType::q2_k, 576), DType::q4_0);
  EXPECT_EQ(type_that_fits(DType::iq4_xs, 576), DType::iq4_nl);
  EXPECT_EQ(type_that_fits(DType::q4_k, 100), DType::f16);
  EXPECT_EQ(type_that_fits(DType::q4_0, 100), DType::f16);
  EXPECT_EQ(type_in("q4_k_m", "blk.0.ffn_down.weight", Shape{512, 576}), DType::q8_0);
}

TEST(QuantizeMixture, LeavesVectorsNormsAndGatesAsTheyAre) {
  EXPECT_FALSE(is_quantized_by_mixture("blk.0.attn_q.bias", Shape{512}));
  EXPECT_FALSE(is_quantized_by_mixture("output_norm.weight", Shape{512}));
  EXPECT_FALSE(is_quantized_by_mixture("blk.0.attn_norm.weight", Shape{1, 512}));
  EXPECT_FALSE(is_quantized_by_mixture("blk.0.ffn_gate_inp.weight", Shape{8, 512}));
  EXPECT_FALSE(is_quantized_by_mixture("position_embd.weight", Shape{512, 384}));
  EXPECT_TRUE(is_quantized_by_mixture("blk.0.ffn_gate_exps.weight", Shape{8, 512, 512}));
  EXPECT_TRUE(is_quantized_by_mixture("token_embd.weight", Shape{512, 512}));
}

}  // namespace
}  // namespace quintet
