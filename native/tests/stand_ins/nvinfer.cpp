// A libnvinfer that knows its version and makes no object.
extern "C" {

int getInferLibVersion() {
  return LC_VERSION;
}

void* createInferBuilder_INTERNAL(void*, int) {
  return nullptr;
}

void* createInferRuntime_INTERNAL(void*, int) {
  return nullptr;
}
}
