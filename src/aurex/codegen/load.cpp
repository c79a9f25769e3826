#include <sys/mman.h>

#include <chrono>
#include <utility>

#include "aurex/base/error.h"
#include "aurex/codegen/check_kernel.h"
#include "aurex/codegen/compile.h"
#include "aurex/codegen/object_image.h"

namespace aurex::codegen {
namespace {

/// Pages that are written once and executed after that, never both.
class CodePages {
 public:
  explicit CodePages(const ObjectImage& image) : bytes_(image.bytes()) {
    void* const made = ::mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (made == MAP_FAILED) throw OutOfMemory("compiled code", static_cast<std::int64_t>(bytes_), 0, -1);
    memory_ = static_cast<char*>(made);
    image.place(memory_);
    const std::size_t code = image.code_bytes();
    const bool sealed = ::mprotect(memory_, code, PROT_READ | PROT_EXEC) == 0 &&
                        (code == bytes_ || ::mprotect(memory_ + code, bytes_ - code, PROT_READ) == 0);
    if (sealed) return;
    ::munmap(memory_, bytes_);
    throw KernelError("this system does not let compiled code be executed");
  }
  CodePages(CodePages&& other) noexcept : memory_(std::exchange(other.memory_, nullptr)), bytes_(other.bytes_) {}
  CodePages& operator=(CodePages&&) = delete;
  ~CodePages() {
    if (memory_ != nullptr) ::munmap(memory_, bytes_);
  }
  [[nodiscard]] const char* data() const { return memory_; }

 private:
  char* memory_ = nullptr;
  std::size_t bytes_;
};

class LoadedCode final : public CompiledCode {
 public:
  LoadedCode(CodePages pages, const AurexKernel& kernel, const CompileTimes& times) : pages_(std::move(pages)) {
    kernel_ = kernel;
    times_ = times;
  }

 private:
  CodePages pages_;
};

}  // namespace

std::shared_ptr<const CompiledCode> load(std::string_view object, CompileTimes times) {
  const auto start = std::chrono::steady_clock::now();
  const ObjectImage image(object);
  const std::size_t at = image.symbol("kernel", sizeof(AurexKernel));
  if (at % alignof(AurexKernel) != 0) throw FormatError("object code has its kernel at an odd place", 0);
  CodePages pages(image);
  const AurexKernel kernel = check_kernel(*reinterpret_cast<const AurexKernel*>(pages.data() + at));
  const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - start;
  times.link_ms = took.count();
  return std::make_shared<const LoadedCode>(std::move(pages), kernel, times);
}

}  // namespace aurex::codegen
