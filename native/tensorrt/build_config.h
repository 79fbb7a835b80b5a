// How a network is to be compiled.
#pragma once

#include <NvInfer.h>

#include "core/lc_backend.h"
#include "tensorrt/handles.h"
#include "tensorrt/session.h"

namespace lc::trt {

// The options of `build`, on the session's stream.
void applyOptions(nvinfer1::IBuilderConfig& config, Session& session, const lc_build& build);

// The timing cache of `build`, or an empty one when there is none or it does not fit. It must outlive the
// builder.
Object<nvinfer1::ITimingCache> attachTimingCache(nvinfer1::IBuilderConfig& config, Session& session,
                                                 const lc_build& build);

// An optimization profile when the input has open dimensions. Throws LC_INVALID when `build` asks for shapes
// that the graph does not take.
void addProfile(nvinfer1::IBuilder& builder, nvinfer1::IBuilderConfig& config, Session& session,
                const nvinfer1::INetworkDefinition& network, const lc_build& build);

}  // namespace lc::trt
