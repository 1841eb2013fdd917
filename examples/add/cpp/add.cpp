// The smallest useful spark in C++: one exported function.
#include <cstdint>

// The sum, wrapping around at 32 bits. `extern "C"` keeps its name plain.
extern "C" [[clang::export_name("add")]] std::int32_t add(std::int32_t first, std::int32_t second) {
  return static_cast<std::int32_t>(static_cast<std::uint32_t>(first) +
                                   static_cast<std::uint32_t>(second));
}
