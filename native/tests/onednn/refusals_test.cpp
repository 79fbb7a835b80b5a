// Networks and shapes that the plug-in does not take. Usage: refusals_test [missing]
#include <functional>
#include <string>

#include "check.h"
#include "onednn/random_encoder.h"
#include "onednn/session.h"

using namespace lc::test;

namespace {

using Change = std::function<void(std::vector<lc_layer>&)>;

// 0: conv, 1: residual, 2: downsample, 3: residual with a shortcut, 4: residual, 5: attention, 6: residual,
// 7: norm, 8: conv
RandomEncoder rightEncoder() {
  return klEncoder({16, 32}, 8);
}

void checkNetwork(const char* what, lc_code expected, const lc_network& network) {
  BudgetHost host;
  Session session(host, 1);
  const lc_code code = session.open(network);
  check(code == expected, "%s: code %d, not %d", what, code, expected);
  check(code == LC_OK || session.error().message[0] != '\0', "%s: the error says why", what);
  check(code == LC_OK || host.reserved() == 0, "%s: nothing is left", what);
}

void checkChanged(const char* what, lc_code expected, const Change& change) {
  RandomEncoder encoder = rightEncoder();
  change(encoder.layers());
  checkNetwork(what, expected, encoder.network(LC_FP32));
}

void checkOrder() {
  checkChanged("no layers", LC_UNSUPPORTED, [](auto& layers) { layers.clear(); });
  checkChanged("a conv alone", LC_UNSUPPORTED, [](auto& layers) { layers.resize(1); });
  checkChanged("the first conv is missing", LC_UNSUPPORTED,
               [](auto& layers) { layers.erase(layers.begin()); });
  checkChanged("the last conv is missing", LC_UNSUPPORTED, [](auto& layers) { layers.pop_back(); });
  checkChanged("a norm before a downsample", LC_UNSUPPORTED,
               [](auto& layers) { layers.insert(layers.begin() + 2, layers[7]); });
  checkChanged("two norms", LC_UNSUPPORTED,
               [](auto& layers) { layers.insert(layers.begin() + 7, layers[7]); });
  checkChanged("an unknown kind", LC_UNSUPPORTED, [](auto& layers) { layers[4].kind = 8; });
  checkChanged("sides that are halved too often", LC_UNSUPPORTED,
               [](auto& layers) { layers.insert(layers.begin() + 2, 40, layers[2]); });
}

void checkKernels() {
  checkChanged("a first conv of 1 x 1", LC_UNSUPPORTED, [](auto& layers) { layers[0].convs[0].kernel = 1; });
  checkChanged("a stride of 3", LC_UNSUPPORTED, [](auto& layers) { layers[2].convs[0].stride = 3; });
  checkChanged("a downsample that pads at the top and at the bottom", LC_UNSUPPORTED,
               [](auto& layers) { layers[2].convs[0].padding[0] = 1; });
  checkChanged("a residual block that pads on one side", LC_UNSUPPORTED,
               [](auto& layers) { layers[1].convs[1].padding[3] = 0; });
  checkChanged("a residual block with a kernel of 5", LC_UNSUPPORTED,
               [](auto& layers) { layers[1].convs[0].kernel = 5; });
  checkChanged("a shortcut of 3 x 3", LC_UNSUPPORTED, [](auto& layers) { layers[3].convs[2].kernel = 3; });
  checkChanged("an attention of 3 x 3", LC_UNSUPPORTED, [](auto& layers) { layers[5].convs[1].kernel = 3; });
  checkChanged("a last conv of 1 x 1", LC_UNSUPPORTED, [](auto& layers) { layers[8].convs[0].kernel = 1; });
}

void checkChannels() {
  checkChanged("four colours", LC_INVALID, [](auto& layers) { layers[0].convs[0].inputs = 4; });
  checkChanged("no channels out of the first conv", LC_INVALID,
               [](auto& layers) { layers[0].convs[0].outputs = 0; });
  checkChanged("a residual block of other inputs", LC_INVALID,
               [](auto& layers) { layers[1].convs[0].inputs = 8; });
  checkChanged("a residual block whose convs do not fit", LC_INVALID,
               [](auto& layers) { layers[1].convs[1].inputs = 8; });
  checkChanged("a shortcut of other inputs", LC_INVALID, [](auto& layers) { layers[3].convs[2].inputs = 8; });
  checkChanged("a shortcut of other outputs", LC_INVALID,
               [](auto& layers) { layers[3].convs[2].outputs = 24; });
  checkChanged("other channels without a shortcut", LC_INVALID,
               [](auto& layers) { layers[3].convs[2] = {}; });
  checkChanged("an attention of other channels", LC_INVALID,
               [](auto& layers) { layers[5].convs[2].outputs = 8; });
  checkChanged("a last conv of other inputs", LC_INVALID,
               [](auto& layers) { layers[8].convs[0].inputs = 16; });
  checkChanged("a norm of other channels", LC_INVALID,
               [](auto& layers) { layers[5].norms[0].channels = 16; });
  checkChanged("a norm without groups", LC_INVALID, [](auto& layers) { layers[7].norms[0].groups = 0; });
  checkChanged("groups that do not divide", LC_INVALID, [](auto& layers) { layers[1].norms[1].groups = 5; });
}

// 0: conv, 1: residual, 2: space-to-depth, 3: residual, 4: residual, 5: attention, 6: residual,
// 7: norm-conv-mean
void checkChangedDepth(const char* what, lc_code expected, const Change& change) {
  RandomEncoder encoder = depthEncoder({16, 32}, 8);
  change(encoder.layers());
  checkNetwork(what, expected, encoder.network(LC_FP32));
}

void checkDepth() {
  checkChangedDepth("the network that the others differ from", LC_OK, [](auto&) {});
  checkChangedDepth("a norm-conv-mean in the middle", LC_UNSUPPORTED,
                    [](auto& layers) { layers.insert(layers.begin() + 3, layers[7]); });
  checkChangedDepth("a space-to-depth at the end", LC_UNSUPPORTED, [](auto& layers) { layers.resize(3); });
  checkChangedDepth("a space-to-depth of 1 x 1", LC_UNSUPPORTED,
                    [](auto& layers) { layers[2].convs[0].kernel = 1; });
  checkChangedDepth("a space-to-depth of other inputs", LC_INVALID,
                    [](auto& layers) { layers[2].convs[0].inputs = 8; });
  checkChangedDepth("channels that have no means", LC_INVALID,
                    [](auto& layers) { layers[2].convs[0].outputs = 7; });
  checkChangedDepth("no channels behind a norm-conv-mean", LC_INVALID,
                    [](auto& layers) { layers[7].convs[0].outputs = 0; });
  checkChangedDepth("a norm-conv-mean that has no means", LC_INVALID,
                    [](auto& layers) { layers[7].convs[0].outputs = 12; });
  checkChangedDepth("a norm-conv-mean of 1 x 1", LC_UNSUPPORTED,
                    [](auto& layers) { layers[7].convs[0].kernel = 1; });
}

// 0: conv, 1: ReLU block, 2: downsample, 3, 4: ReLU blocks, 5: conv
void checkChangedTiny(const char* what, lc_code expected, const Change& change) {
  RandomEncoder encoder = tinyEncoder(16, 1);
  change(encoder.layers());
  checkNetwork(what, expected, encoder.network(LC_FP32));
}

void checkTiny() {
  checkChangedTiny("the network that the others differ from", LC_OK, [](auto&) {});
  checkChangedTiny("a ReLU block at the end", LC_UNSUPPORTED, [](auto& layers) { layers.pop_back(); });
  checkChangedTiny("a ReLU block that changes the channels", LC_INVALID,
                   [](auto& layers) { layers[1].convs[2].outputs = 8; });
  checkChangedTiny("a ReLU block of other inputs", LC_INVALID,
                   [](auto& layers) { layers[1].convs[1].inputs = 8; });
  checkChangedTiny("a ReLU block of 1 x 1", LC_UNSUPPORTED,
                   [](auto& layers) { layers[1].convs[1].kernel = 1; });
  checkChangedTiny("a norm of groups behind a ReLU block", LC_UNSUPPORTED, [](auto& layers) {
    RandomEncoder other(8);
    other.normSilu(16);
    layers.insert(layers.begin() + 5, other.layers().front());
  });
  RandomEncoder encoder = tinyEncoder(16, 1);
  lc_network network = encoder.network(LC_FP32);
  network.range = 2;
  checkNetwork("an unknown range of pixels", LC_UNSUPPORTED, network);
}

void checkNorms() {
  checkChanged("an unknown kind of norm", LC_UNSUPPORTED, [](auto& layers) { layers[7].norms[0].kind = 2; });
  checkChanged("a norm of each kind", LC_OK, [](auto& layers) { layers[7].norms[0].kind = LC_NORM_RMS; });
  checkChanged("an RMS norm of other channels", LC_INVALID, [](auto& layers) {
    layers[7].norms[0].kind = LC_NORM_RMS;
    layers[7].norms[0].channels = 16;
  });
}

void checkNetworks() {
  RandomEncoder encoder = rightEncoder();
  checkNetwork("the network that the others differ from", LC_OK, encoder.network(LC_FP32));
  checkNetwork("an unknown precision", LC_UNSUPPORTED, encoder.network(3));
  lc_network network = encoder.network(LC_FP32);
  network.size -= 8;
  checkNetwork("a struct of an older interface", LC_INVALID, network);
  for (const lc_precision precision : {LC_BF16, LC_BF16X3}) {
    bool isHere = false;
    for (const lc_precision here : precisionsHere()) isHere = isHere || here == precision;
    checkNetwork("a precision", isHere ? LC_OK : LC_UNSUPPORTED, encoder.network(precision));
  }
}

// Values that are not there.
void checkMissing() {
  checkChanged("no first weight", LC_INVALID, [](auto& layers) { layers[0].convs[0].weight = nullptr; });
  checkChanged("no weight of a residual block", LC_INVALID,
               [](auto& layers) { layers[1].convs[1].weight = nullptr; });
  checkChanged("no weight of a downsample", LC_INVALID,
               [](auto& layers) { layers[2].convs[0].weight = nullptr; });
  checkChanged("no key", LC_INVALID, [](auto& layers) { layers[5].convs[1].weight = nullptr; });
  checkChanged("no weight of a norm", LC_INVALID, [](auto& layers) { layers[1].norms[0].weight = nullptr; });
  checkChanged("no bias of a norm", LC_INVALID, [](auto& layers) { layers[7].norms[0].bias = nullptr; });
  checkChanged("no weight of an RMS norm", LC_INVALID, [](auto& layers) {
    layers[7].norms[0].kind = LC_NORM_RMS;
    layers[7].norms[0].weight = nullptr;
  });
  checkChanged("no last weight", LC_INVALID, [](auto& layers) { layers[8].convs[0].weight = nullptr; });
}

void checkShapes() {
  const RandomEncoder encoder = rightEncoder();
  BudgetHost host;
  Session session(host, 1);
  check(session.open(encoder.network(LC_FP32)) == LC_OK, "the network opens: %s", session.error().message);
  constexpr std::uint32_t kMost = UINT32_MAX;
  const lc_shape wrong[] = {{0, 8, 8},
                            {1, 0, 8},
                            {1, 8, 0},
                            {1, 7, 8},
                            {1, 8, 9},
                            {1, 1, 1},
                            {kMost, 8, 8},
                            {1, kMost - 1, 2},
                            {1, 2, kMost - 1},
                            {1, 1U << 31, 1U << 31},
                            {1U << 16, 1U << 16, 1U << 16},
                            {kMost, kMost - 1, kMost - 1}};
  for (const lc_shape& shape : wrong) {
    lc_run_memory memory;
    const lc_code code = session.memoryFor(shape, memory);
    check(code == LC_SHAPE, "%u x %u x %u: code %d", shape.count, shape.height, shape.width, code);
    check(session.submit(shape, 0) == LC_SHAPE, "%u x %u x %u does not run", shape.count, shape.height,
          shape.width);
  }
}

}  // namespace

int main(int count, char** arguments) {
  if (count > 1 && std::string(arguments[1]) == "missing") {
    checkMissing();
  } else {
    checkNetworks();
    checkOrder();
    checkKernels();
    checkChannels();
    checkDepth();
    checkTiny();
    checkNorms();
    checkShapes();
  }
  return report();
}
