#include "aurex/ops/spiking.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <initializer_list>

#include "aurex/base/error.h"

namespace aurex::ops {
namespace {

using testing::Each;
using testing::ElementsAre;
using testing::FloatNear;

/// One input, one neuron.
class Spiking : public testing::Test {
 protected:
  const Tensor weight_ = Tensor::full({1, 1}, DType::kF32, 0.5), v_ = Tensor::zeros({1, 1}, DType::kF32);
  const Tensor wait_ = Tensor::zeros({1, 1}, DType::kI32);
  const Tensor pre_ = Tensor::zeros({1, 1}, DType::kF32), post_ = Tensor::zeros({1, 1}, DType::kF32);
  const Neurons state_ = {.v = v_.view(), .wait = wait_.view()};
  const Traces traces_ = {.pre = pre_.view(), .post = post_.view()};

  static Tensor spikes(std::initializer_list<bool> steps) {
    Tensor all = Tensor::zeros({static_cast<std::int64_t>(steps.size()), 1, 1}, DType::kBool);
    std::ranges::copy(steps, all.values<bool>().begin());
    return all;
  }
};

TEST_F(Spiking, ANeuronGathersFiresAndWaits) {
  const Tensor out = lif(spikes({true, true, true, true, true, true}), weight_, state_, {.decay = 1, .hold = 1});
  EXPECT_THAT(out.values<bool>(), ElementsAre(false, true, false, false, true, false));
  EXPECT_THAT(wait_.values<std::int32_t>(), ElementsAre(0));
  EXPECT_THROW((void)lif(out, weight_, state_, {.hold = -1}), InvalidConfig);
}

TEST_F(Spiking, APotentialLeaksTowardsRest) {
  EXPECT_THAT(lif(spikes({true, false}), weight_, state_, {.decay = 0.5}).values<bool>(), Each(false));
  EXPECT_THAT(v_.values<float>(), ElementsAre(0.25f));
}

TEST_F(Spiking, WeightsGrowWhenTheInputWasFirst) {
  stdp(spikes({true, false, false}), spikes({false, true, false}), weight_, traces_, {.up = 0.2, .pre_decay = 0.5});
  EXPECT_THAT(weight_.values<float>(), ElementsAre(FloatNear(0.6f, 1e-6f)));
  stdp(spikes({true}), spikes({false}), weight_, traces_, {.down = 0.2, .post_decay = 1, .low = 0.5});
  EXPECT_THAT(weight_.values<float>(), ElementsAre(0.5f));
}

TEST_F(Spiking, ALayerLearnsWhileItRuns) {
  const Tensor out =
      lif_stdp(spikes({true, true}), weight_, state_, traces_, {.decay = 1}, {.up = 0.25, .pre_decay = 1});
  EXPECT_THAT(out.values<bool>(), ElementsAre(false, true));
  EXPECT_THAT(weight_.values<float>(), ElementsAre(1));
  EXPECT_THAT(post_.values<float>(), ElementsAre(1));
}

}  // namespace
}  // namespace aurex::ops
