// The smallest useful spark in C: one exported function.
#include <stdint.h>

// The sum, wrapping around at 32 bits.
__attribute__((export_name("add"))) int32_t add(int32_t first, int32_t second) {
  return (int32_t)((uint32_t)first + (uint32_t)second);
}
