// Reduced encoders of the other families, against the reference. Usage: families_test PRECISION
#include "onednn/encoder_check.h"

using namespace lc::test;

namespace {

void checkRms(lc_precision precision, const Bounds& bounds) {
  checkShapes(precision, rmsEncoder({96, 96, 192}), {{1, 8, 8}, {2, 24, 40}, {1, 72, 104}}, bounds);
  // Channels that fill no vector.
  checkShapes(precision, rmsEncoder({12, 20, 20}), {{1, 16, 24}, {2, 36, 72}}, bounds);
}

void checkDepth(lc_precision precision, const Bounds& bounds) {
  // Five times half the sides, with means of 2 and 4 channels, of 8 at the end.
  checkShapes(precision, depthEncoder({16, 32, 32, 64, 64, 64}, 16), {{1, 32, 32}, {2, 96, 160}}, bounds);
  // Maps that end beyond their tiles.
  checkShapes(precision, depthEncoder({32, 64}, 32), {{1, 2, 2}, {3, 20, 12}, {1, 74, 206}}, bounds);
  // Means of 3 channels.
  checkShapes(precision, depthEncoder({24, 32}, 8), {{1, 12, 20}}, bounds);
}

void checkTiny(lc_precision precision, const Bounds& bounds) {
  checkShapes(precision, tinyEncoder(64, 3), {{1, 8, 8}, {2, 24, 40}, {1, 72, 200}}, bounds);
  checkShapes(precision, tinyEncoder(12, 1), {{1, 10, 14}}, bounds);
}

void checkOrders(lc_precision precision, const Bounds& bounds) {
  // An RMS norm behind a ReLU block, convs in the middle, with and without a norm.
  RandomEncoder encoder(0);
  encoder.conv(3, 32);
  encoder.reluBlock(32);
  encoder.normSilu(32);
  encoder.conv(32, 16);
  encoder.conv(16, 48);
  encoder.residual(48, 48);
  encoder.normSilu(48);
  encoder.conv(48, 32);
  checkShapes(precision, encoder, {{1, 20, 28}}, bounds);
}

}  // namespace

int main(int, char** arguments) {
  const lc_precision precision = precisionNamed(arguments[1]);
  const Bounds bounds = boundsOf(precision);
  checkRms(precision, bounds);
  checkDepth(precision, bounds);
  checkTiny(precision, bounds);
  checkOrders(precision, bounds);
  return report();
}
