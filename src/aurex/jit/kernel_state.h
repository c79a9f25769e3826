#pragma once

// What all copies of a Kernel share: its checked source and the variants specialised so far.

#include <atomic>
#include <memory>
#include <mutex>
#include <span>

#include "aurex/ax/check.h"
#include "aurex/jit/variant.h"

namespace aurex {
struct Argument;
struct TensorView;
}  // namespace aurex

namespace aurex::jit {

class KernelState {
 public:
  KernelState(std::shared_ptr<const ax::CheckedModule> module, ax::KernelInterface interface, double parse_ms,
              schedule::Schedule pins = {});
  ~KernelState();
  KernelState(const KernelState&) = delete;
  KernelState& operator=(const KernelState&) = delete;

  [[nodiscard]] const ax::KernelInterface& interface() const { return interface_; }
  [[nodiscard]] const schedule::Target& target() const { return target_; }
  [[nodiscard]] double parse_ms() const { return parse_ms_; }
  /// What every variant is lowered by, as far as it says.
  [[nodiscard]] const schedule::Schedule& pins() const { return pins_; }
  /// The same kernel by another schedule, with no code yet. Raises InvalidConfig where that is for another kernel or
  /// target.
  [[nodiscard]] std::shared_ptr<KernelState> with_schedule(schedule::Schedule pins) const;

  /// The variant for what the arguments and given results say. Without a lock when it exists.
  /// Raises ArgumentError for missing or surplus arguments, CompileError where types do not fit.
  [[nodiscard]] Variant& variant_for(std::span<const Argument> arguments, std::span<const TensorView* const> results);

 private:
  [[nodiscard]] Variant* find(std::span<const Argument> arguments, std::span<const TensorView* const> results) const;
  [[nodiscard]] ax::Specialization specialization(std::span<const Argument> arguments,
                                                  std::span<const TensorView* const> results) const;
  void check_arguments(std::span<const Argument> arguments, std::span<const TensorView* const> results) const;

  void check_results(const Variant& variant, std::span<const TensorView* const> results) const;

  const std::shared_ptr<const ax::CheckedModule> module_;
  const ax::KernelInterface interface_;
  const schedule::Target target_;
  const double parse_ms_;
  const schedule::Schedule pins_;
  std::atomic<Variant*> variants_ = nullptr;
  std::mutex specializing_;
};

}  // namespace aurex::jit
