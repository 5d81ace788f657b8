// Writes the random models into a folder, for another implementation to run: see README.md beside this file.
#include <cstdio>

#include "random_models.h"

int main(int argc, char** argv) {
  using namespace quintet::parity;
  if (argc != 2) {
    std::fprintf(stderr, "usage: write_parity_models FOLDER\n");
    return 2;
  }
  const std::filesystem::path folder = argv[1];
  std::filesystem::create_directories(folder);
  std::string tokens;
  for (const std::uint32_t token : parity_tokens())
    tokens += (tokens.empty() ? "" : " ") + std::to_string(token);
  for (const ParityCase& parity : parity_cases()) {
    const auto path = folder / (parity.name + ".gguf");
    write_model(parity, path);
    std::printf("%s %s %s %s\n", parity.name.c_str(), parity.is_encoder ? "encoder" : "decoder",
                parity.has_erf_gelu ? "erf" : "tanh", tokens.c_str());
  }
}
