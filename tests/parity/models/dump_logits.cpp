// Runs tokens through a GGUF model with llama.cpp and prints what comes out, one line for each position:
// logits, or the hidden states of an encoder. Built against llama.cpp, outside this project: see README.md.
//
//   dump_logits MODEL.gguf decoder|encoder TOKEN...
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "llama.h"

int main(int argc, char** argv) {
  if (argc < 4) return 2;
  const bool is_encoder = std::strcmp(argv[2], "encoder") == 0;
  std::vector<llama_token> tokens;
  for (int i = 3; i < argc; ++i) tokens.push_back(std::atoi(argv[i]));
  llama_log_set(
      [](ggml_log_level level, const char* text, void*) {
        if (level == GGML_LOG_LEVEL_ERROR) std::fputs(text, stderr);
      },
      nullptr);
  llama_backend_init();
  llama_model_params model_params = llama_model_default_params();
  llama_model* model = llama_model_load_from_file(argv[1], model_params);
  if (model == nullptr) return 1;
  llama_context_params params = llama_context_default_params();
  params.n_ctx = 256;
  params.n_batch = params.n_ubatch = 64;
  params.n_threads = params.n_threads_batch = 1;
  params.type_k = params.type_v = GGML_TYPE_F32;
  params.flash_attn_type = LLAMA_FLASH_ATTN_TYPE_DISABLED;
  params.embeddings = is_encoder;
  params.pooling_type = LLAMA_POOLING_TYPE_NONE;
  llama_context* context = llama_init_from_model(model, params);
  if (context == nullptr) return 1;
  llama_batch batch = llama_batch_init(static_cast<int>(tokens.size()), 0, 1);
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    batch.token[i] = tokens[i];
    batch.pos[i] = static_cast<llama_pos>(i);
    batch.n_seq_id[i] = 1;
    batch.seq_id[i][0] = 0;
    batch.logits[i] = 1;
  }
  batch.n_tokens = static_cast<int>(tokens.size());
  if ((is_encoder ? llama_encode(context, batch) : llama_decode(context, batch)) != 0) return 1;
  const int n = is_encoder ? llama_model_n_embd(model) : llama_vocab_n_tokens(llama_model_get_vocab(model));
  for (std::size_t t = 0; t < tokens.size(); ++t) {
    const float* row = is_encoder ? llama_get_embeddings_ith(context, static_cast<int>(t))
                                  : llama_get_logits_ith(context, static_cast<int>(t));
    for (int i = 0; i < n; ++i) std::printf("%s%.7g", i == 0 ? "" : " ", static_cast<double>(row[i]));
    std::printf("\n");
  }
}
