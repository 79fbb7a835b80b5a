// Engines made of layers.
#include "core/network.h"

#include <array>
#include <cstdint>
#include <numeric>
#include <vector>

#include "core/device_worker.h"
#include "toy.h"

namespace {

using lc::core::DeviceWorker;
using lc::core::EngineInfo;
using lc::test::Answer;
using lc::test::Batch;
using lc::test::check;
using lc::test::Gate;
using lc::test::Outcome;
using lc::test::ToyDevice;

// 3 x 3 and bias for 3 -> 4, 4 -> 4 twice and 4 -> 8.
constexpr std::uint64_t kWeightBytes = sizeof(float) * (4 * 28 + 2 * (4 * 37) + 8 * 37);

// Layers that give what Batch expects: 8 channels at an eighth of the size, with the bias 0 to 7 at the end.
class Layers {
 public:
  Layers() {
    std::iota(bias_.begin(), bias_.end(), 0.0f);
    for (const auto& [inputs, outputs] : {std::array{3u, 4u}, {4u, 4u}, {4u, 4u}}) {
      layers_.push_back(conv(LC_LAYER_DOWNSAMPLE, inputs, outputs, 2));
    }
    layers_.push_back(conv(LC_LAYER_CONV, 4, 8, 1));
  }

  lc::core::Network network(lc_precision precision = LC_FP32) const {
    return {precision, LC_PIXELS_SIGNED, layers_};
  }

 private:
  lc_layer conv(lc_layer_kind kind, std::uint32_t inputs, std::uint32_t outputs, std::uint32_t stride) const {
    lc_layer layer{};
    layer.kind = kind;
    layer.convs[0] = {weight_.data(), bias_.data(), inputs, outputs, 3, stride, {1, 1, 1, 1}};
    return layer;
  }

  std::vector<float> weight_ = std::vector<float>(4 * 8 * 9);
  std::vector<float> bias_ = std::vector<float>(8);
  std::vector<lc_layer> layers_;
};

Answer<EngineInfo> load(DeviceWorker& worker, const lc::core::Network& network) {
  const Answer<EngineInfo> answer;
  worker.loadNetwork(network, answer.completion());
  return answer;
}

void loadsLayers() {
  ToyDevice device;
  const Layers layers;
  const Answer<EngineInfo> loaded = load(*device.worker, layers.network());
  check(loaded.code() == LC_OK, "a network is loaded");
  const EngineInfo info = loaded.value();
  check(info.id != device.engine, "under a number of its own");
  check(info.weightBytes == kWeightBytes, "%llu bytes of weights",
        static_cast<unsigned long long>(info.weightBytes));
  check(info.minimum.height == 8 && info.minimum.width == 8, "a side is at least one cell of the output");
  check(device.worker->counters().enginesLoaded == 2, "it is counted");
  device.engine = info.id;
  Batch batch(2, 64, 96, 0);
  check(device.encode(batch, 1).code() == LC_OK && batch.right(), "it encodes");
  Batch odd(1, 68, 64, 0);
  check(device.encode(odd, 2).code() == LC_SHAPE, "but no side that it does not divide");
  const Answer<> unloaded;
  device.worker->unloadEngine(info.id, unloaded.completion());
  check(unloaded.code() == LC_OK, "it is unloaded like any other");
}

void saysWhatTheBudgetLacks() {
  // The plan of ToyDevice takes 1000.
  ToyDevice device("", 2, 1000 + kWeightBytes - 1);
  const Layers layers;
  const Outcome refused = load(*device.worker, layers.network()).wait();
  check(refused.code == LC_OUT_OF_MEMORY, "one byte too few");
  check(refused.bytesAsked == kWeightBytes && refused.bytesFree == kWeightBytes - 1, "the bytes are there");
  check(device.worker->counters().enginesLoaded == 1, "nothing of it is left");
  const Answer<> unloaded;
  device.worker->unloadEngine(device.engine, unloaded.completion());
  check(load(*device.worker, layers.network()).code() == LC_OK, "without the plan it fits");
}

void refusesOtherPrecisions() {
  ToyDevice device;
  const Layers layers;
  check(load(*device.worker, layers.network(LC_BF16)).code() == LC_UNSUPPORTED, "bfloat16");
}

void refusesWherePlansAreTaken() {
  lc::test::toyOptions("");
  lc::core::DeviceOptions options = lc::test::toyDevice(std::uint64_t{1} << 30, 1);
  options.context = lc::core::Context::open(LC_TOY_PLANS_ONLY_PLUGIN, {});
  const Answer<> opened;
  DeviceWorker worker(options, opened.completion());
  const Layers layers;
  const Outcome refused = load(worker, layers.network()).wait();
  check(refused.code == LC_UNSUPPORTED && refused.message == "the back-end toy takes plans only", "%s",
        refused.message.c_str());
}

void closesWithOneWaiting() {
  ToyDevice device;
  const Layers layers;
  Answer<EngineInfo> waiting;
  {
    Gate gate(*device.worker);
    waiting = load(*device.worker, layers.network());
    device.worker->close({});
    check(waiting.calls() == 1, "a waiting one is dropped at once");
  }
  check(waiting.code() == lc::core::kClosed, "as closed");
  check(load(*device.worker, layers.network()).code() == lc::core::kClosed, "a later one is refused");
}

}  // namespace

int main() {
  loadsLayers();
  saysWhatTheBudgetLacks();
  refusesOtherPrecisions();
  refusesWherePlansAreTaken();
  closesWithOneWaiting();
  lc::test::checkToyIsEmpty("at the end");
  return lc::test::report();
}
