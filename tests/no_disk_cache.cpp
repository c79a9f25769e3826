// In every test program, also when it is run by hand: no test meets what an earlier run has stored, or leaves anything
// in the user's cache.

#include <cstdlib>

[[gnu::constructor]] static void switch_the_disk_cache_off() {
  ::setenv("AUREX_CACHE_SIZE", "0", /*overwrite=*/0);  // NOLINT(concurrency-mt-unsafe): before main, on its thread
}
