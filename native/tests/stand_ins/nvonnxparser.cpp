extern "C" void* createNvOnnxParser_INTERNAL(void*, void*, int) {
  return nullptr;
}
