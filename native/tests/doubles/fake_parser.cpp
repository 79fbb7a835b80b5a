// libnvonnxparser of the fake TensorRT; see fake_trt/parser.cpp.
extern "C" void* lc_fake_trt_create_parser(void* network) noexcept;

extern "C" __attribute__((visibility("default"))) void* createNvOnnxParser_INTERNAL(void* network, void*,
                                                                                    int) noexcept {
  return lc_fake_trt_create_parser(network);
}
